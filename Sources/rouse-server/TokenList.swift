import ArgumentParser
import RouseServer

struct TokenList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Name the tokens, their roles, and when they were made.")

  @OptionGroup var options: TokenOptions

  func run() throws {
    let (file, identities) = try options.file()
    let rows =
      [["name", "roles", "added"]]
      + (try file.read(besides: identities).all).map {
        [$0.name, $0.roleNames.joined(separator: ","), $0.added]
      }
    for line in aligned(rows) { print(line) }
  }
}
