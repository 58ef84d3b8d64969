import ArgumentParser
import RouseClient
import RouseWire

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Compute a committed plan again from what the ledger kept, and tell whether it comes out the same.",
    discussion: """
      Each contact is decided again: by its candidate as it was, the contacts that were known then, and the text of the policy \
      that was live. The rows must come out byte by byte, and add up to the totals.

        rouse replay P17 --profile home/client.yaml
        rouse replay P17 --json

      Exit code 0: all that is still kept comes out the same. 1: something differs, or the policy's text is not kept.
      """)

  @Argument(help: "Its id, as 'rouse plans' lists it.")
  var plan: String

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    var line = RequestLine("review")
    line.set("do", text: "replay")
    line.set("plan_id", text: plan)
    let replay = try await connection.client().answer(line, "replay")
    try StandardOutput().write(output.isTable ? Self.text(replay) : replay.json + "\n")
    guard ["equal", "erased"].contains(replay["verdict"]?.text) else { throw Failure(.invalidInput, "") }
  }

  private static func text(_ replay: JSONValue) -> String {
    var text = harmless(replay["say"]?.text ?? "") + "\n"
    let differences = replay["differences"]?.items ?? []
    if !differences.isEmpty {
      var table = Table([
        .init(title: "rank", isNumber: true), .init(title: "user_id", isElastic: true), .init(title: "differs"),
      ])
      let rows = differences.map { one in
        let members = one["members"]?.items.map { harmless($0.text ?? "") } ?? []
        return [
          grouped(one["rank"]?.whole ?? 0), word(one["user_id"]),
          members.isEmpty ? "its candidate cannot be read" : members.joined(separator: ", "),
        ]
      }
      table.fit(rows, width: Terminal.width)
      text += "\n" + ([table.header] + rows.map(table.line)).joined(separator: "\n") + "\n"
      let rest = (replay["rows"]?["different"]?.whole ?? 0) - differences.count
      if rest > 0 { text += "and \(grouped(rest)) more\n" }
    }
    let totals = (replay["totals"]?.items ?? []).filter { $0["equal"]?.boolean != true }
    if !totals.isEmpty {
      text +=
        "\nTotals as they were kept, and as the rows add up\n"
        + titled(totals.map { ("  " + word($0["name"]), "\(word($0["kept"])), \(word($0["rows"]))") })
    }
    if let choice = replay["choice"], !choice.isNull {
      text +=
        "\n\(grouped(choice["best_at_prices"]?.whole ?? 0)) contacts took what is best at the plan's prices, "
        + "\(grouped(choice["other"]?.whole ?? 0)) something else to fit its limits.\n"
    }
    return text
  }
}
