import ArgumentParser
import RouseServer

struct TokenRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Take a token away.",
    discussion: "A server that runs refuses it from then on, also on connections that are open.")

  @Argument(help: "The name that it was added under.")
  var name: String

  @OptionGroup var options: TokenOptions

  func run() throws {
    let (file, identities, audit) = try options.files()
    let roles = try file.read(besides: identities)[name]?.roles ?? []
    try file.remove(name, besides: identities)
    do throws(AuditError) {
      let names = Configuration.Role.allCases.filter(roles.contains).map(\.rawValue)
      try audit?.append(.tokenRemoved(name: name, roles: names, by: .currentUser))
    } catch {
      throw ConfigurationError("the token '\(name)' is removed, but that is not in the audit log: \(error)")
    }
    RouseServerCommand.complain("removed '\(name)' from \(file.path)")
  }
}
