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
    let (file, identities) = try options.file()
    try file.remove(name, besides: identities)
    RouseServerCommand.complain("removed '\(name)' from \(file.path)")
  }
}
