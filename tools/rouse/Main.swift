import ArgumentParser
import Foundation

@main
struct Rouse: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rouse",
    abstract: "Ranks whom to contact: candidates in, a contact list out.",
    discussion: """
      Against a server, over TLS:
        rouse ping --profile home/client.yaml
        rouse rank --profile home/client.yaml --budget 500 candidates.ndjson
      As a filter, without a server:
        rouse rank --policy policy.yaml --capacity call=500 < candidates.ndjson > contacts.ndjson
        rouse score --policy policy.yaml customers.csv
      Why is this user on the list, or not:
        rouse explain u05 candidates.ndjson --policy policy.yaml

      A candidate is a JSON object a line with a user_id, or a line of a CSV file whose header names the fields \
      (a column id is the user_id too; dates may stand as 2026-03-01). 'rouse policy start' makes a first policy of such a file. \
      'rouse fields' lists the fields; 'rouse help rank' says more.

      Exit codes: 0 done; 1 done, but some input was invalid, or what was looked at is not as it should be; 2 usage, \
      configuration or a faulty policy, whoever finds the fault; 3 the server answered any other error; 4 no connection.

      Completions for your shell: rouse --generate-completion-script bash > /etc/bash_completion.d/rouse \
      (zsh and fish likewise).
      """,
    version: "rouse \(Version.text)",
    subcommands: [
      Ping.self, Info.self, Fields.self, Score.self, Rank.self, Explain.self, Load.self, Record.self, User.self,
      Plans.self, ShowPlan.self, ReplayCommand.self, ReviewCommand.self, Erase.self, PolicyCommand.self, Stats.self,
      PartCommand.self, Bench.self,
    ])

  static func main() async {
    // A reader that has had enough, such as head, is told by write, not by a signal that kills us midway.
    signal(SIGPIPE, SIG_IGN)
    Memory.keepBlocks()
    fillStandardStreams()
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      leave(error)
    }
  }

  /// Where whoever started us closed a standard stream, our next socket would take its number, and rows would go there.
  /// `/dev/null`, opened the wrong way round, fails in its place.
  private static func fillStandardStreams() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Errors become one clear line each and an exit code; nothing else in the tool ends the process.
  private static func leave(_ error: any Error) -> Never {
    switch Failure(error) {
    case let failure?:
      if !failure.message.isEmpty { StandardError.write("rouse: \(failure.message)\n") }
      Foundation.exit(failure.code.rawValue)
    case nil where exitCode(for: error) == .validationFailure:
      StandardError.write(fullMessage(for: error) + "\n")
      Foundation.exit(Failure.Code.usage.rawValue)
    case nil:
      exit(withError: error)
    }
  }
}

/// In this tool an option is one of the command line; the model has options of its own.
typealias Option<Value> = ArgumentParser.Option<Value>

enum Version {
  static let text = "0.1.0"
}
