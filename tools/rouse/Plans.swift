import ArgumentParser
import RouseClient
import RouseWire

struct Plans: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the plans that a server keeps, the latest first.",
    discussion: """
        rouse plans --profile home/client.yaml
        rouse plans --profile home/client.yaml --before P120 --limit 20

      'rouse rank --commit' makes a plan, and 'rouse plan ID' shows one.
      """)

  @Option(help: ArgumentHelp("How many at most.", valueName: "count"))
  var limit = 50

  @Option(help: ArgumentHelp("Only those made before this one.", valueName: "plan"))
  var before: String?

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    if !(1...1000).contains(limit) { throw ValidationError("--limit is a number from 1 to 1000") }
  }

  func run() async throws {
    var line = RequestLine("plans")
    line.set("before", text: before)
    line.set("limit", json: String(limit))
    let request = line
    let reply = try await connection.client().withConnection { try await $0.request(request.line) }
    guard output.isTable else { return try StandardOutput().write(line: reply.line) }
    let plans = reply.value["plans"]?.items ?? []
    if plans.isEmpty { return try StandardOutput().write("no plan\n") }
    var table = Table([
      .init(title: "plan"), .init(title: "made"), .init(title: "campaign", isElastic: true),
      .init(title: "key", isElastic: true), .init(title: "contacts", isNumber: true),
      .init(title: "held out", isNumber: true), .init(title: "value", isNumber: true),
      .init(title: "spend", isNumber: true), .init(title: "taken until"),
    ])
    let rows = plans.map { plan in
      [
        word(plan["plan_id"]), harmless(shownMoment(plan["made"]?.text)), word(plan["campaign"]),
        word(plan["plan_key"]),
        grouped(plan["contacts"]?.whole ?? 0), grouped(plan["ghosts"]?.whole ?? 0),
        shownMoney(plan["value"]?.number ?? 0), shownMoney(plan["spend"]?.number ?? 0),
        harmless(shownMoment(plan["leased_until"]?.text)),
      ]
    }
    table.fit(rows, width: Terminal.width)
    try StandardOutput().write(([table.header] + rows.map(table.line)).joined(separator: "\n") + "\n")
    if plans.count == limit, let last = plans.last?["plan_id"]?.text {
      StandardError.write("rouse: there may be more: --before \(harmless(last))\n")
    }
  }
}
