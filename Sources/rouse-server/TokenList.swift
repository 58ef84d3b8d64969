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
    let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      print(row[0].padded(to: widths[0]) + "  " + row[1].padded(to: widths[1]) + "  " + row[2])
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
