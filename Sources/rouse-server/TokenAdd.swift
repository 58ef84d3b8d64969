import ArgumentParser
import Foundation
import RouseServer

struct TokenAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Make a token, and print it: this once.",
    discussion: """
      The token goes to standard output, and nowhere else: the server keeps its SHA-256. A server that runs takes it at
      once.
      """)

  @Argument(help: "What logs call whoever has the token.")
  var name: String

  @Option(help: ArgumentHelp("What it may do: score, record, tune, admin; repeatable.", valueName: "role,role"))
  var roles: [String]

  @OptionGroup var options: TokenOptions

  func run() throws {
    let roles = try Configuration.Role.read(list: roles.joined(separator: ","))
    let (file, identities, audit) = try options.files()
    let token = try file.add(name, roles: Set(roles), besides: identities, now: wallClock())
    do throws(AuditError) {
      try audit?.append(.tokenAdded(name: name, roles: roles.map(\.rawValue), by: .currentUser))
    } catch {
      try file.remove(name, besides: identities)
      throw ConfigurationError("\(error); so the token was not made")
    }
    do {
      try FileHandle.standardOutput.write(contentsOf: Data("\(token)\n".utf8))
    } catch {
      try file.remove(name, besides: identities)
      throw ConfigurationError("the token cannot be printed, so it was not made; check where standard output goes")
    }
    RouseServerCommand.complain(
      "added '\(name)' (\(roles.map(\.rawValue).joined(separator: ", "))) to \(file.path); the token is shown only now: keep "
        + "it in a file that only its user can read, for rouse --token-file")
  }
}
