import ArgumentParser
import Foundation
import RouseServer

/// The daemon's command line. Exit codes: 0 done; 1 the server failed; 2 usage, configuration or policy.
@main
struct RouseServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rouse-server",
    abstract: "Ranks whom to contact now, on which channel, and why: the server.",
    discussion: """
      Five minutes to a first answer:
        rouse-server init home                         make a home: configuration, policy, certificates
        rouse-server run --config home/server.yaml     serve on 127.0.0.1:7411 until SIGTERM or SIGINT
        rouse ping --profile home/client.yaml          in another terminal

      What the ledger holds lasts as long as its file: 'rouse-server backup' copies it while the server runs.

      Shell completions: rouse-server --generate-completion-script bash|zsh|fish
      """,
    version: Server.version,
    subcommands: [
      Init.self, Run.self, Check.self, Doctor.self, Renew.self, TokenCommand.self, Audit.self, LedgerCommand.self,
      Backup.self, Restore.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let error as ConfigurationError {
      for line in error.lines { complain(line) }
      Foundation.exit(2)
    } catch {
      let code = exitCode(for: error)
      if code == .success {
        print(fullMessage(for: error))
        Foundation.exit(0)
      }
      let message = fullMessage(for: error)
      if !message.isEmpty { complain(message) }
      Foundation.exit(code == .validationFailure ? 2 : 1)
    }
  }

  static func complain(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}
