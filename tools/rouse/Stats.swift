import ArgumentParser
import RouseClient
import RouseWire

struct Stats: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a server has done since it started, and how it is now.",
    discussion: """
        rouse stats --profile home/client.yaml
        rouse stats --profile home/client.yaml --every 5
        rouse stats --profile home/client.yaml --json | head -1

      On a terminal the figures are refreshed every two seconds until Ctrl-C, with rates over the time between; \
      elsewhere, and with --once, they are told once. With --json each answer is a line.
      """)

  @Flag(help: "Tell the figures once, on a terminal too.")
  var once = false

  @Option(help: ArgumentHelp("Refresh after so many seconds, into a pipe too.", valueName: "seconds"))
  var every: Int?

  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func validate() throws {
    if let every, !(1...86_400).contains(every) { throw ValidationError("--every is between 1 and 86400 seconds") }
    if once, every != nil { throw ValidationError("--once tells the figures once, and --every again and again") }
  }

  func run() async throws {
    let isLive = every != nil || Terminal.isOutput && output.isTable && !once
    let seconds = every ?? 2
    let output = StandardOutput()
    let isTable = self.output.isTable
    try await connection.client().withConnection { connection in
      var last: (figures: JSONValue, at: ContinuousClock.Instant)?
      repeat {
        let now = ContinuousClock.now
        let reply = try await connection.request(RequestLine("stats").line)
        if isTable {
          let page = StatsPage(reply.value, since: last.map { ($0.figures, (now - $0.at).inSeconds) }).text
          try output.write(isLive && Terminal.isOutput ? Self.redraw(page) : page)
        } else {
          try output.write(line: reply.line)
        }
        last = (reply.value, now)
        if isLive { try await Task.sleep(for: .seconds(seconds)) }
      } while isLive
    }
  }

  /// In the place of the page before: home, each line with its end cleared, and nothing below.
  private static func redraw(_ page: String) -> String {
    let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
    return "\u{1B}[H" + lines.joined(separator: "\u{1B}[K\n") + "\u{1B}[J"
  }
}

/// The figures, for people.
struct StatsPage {
  private let figures: JSONValue
  private let last: (figures: JSONValue, seconds: Double)?

  /// - Parameter since: the figures before, and how many seconds ago that was; nil: there were none.
  init(_ figures: JSONValue, since last: (JSONValue, Double)?) {
    self.figures = figures
    self.last = last.map { (figures: $0.0, seconds: $0.1) }
  }

  var text: String {
    var parts = [titled(head)]
    parts += [requests, identities, candidates, contacts].filter { !$0.isEmpty }
    return parts.joined(separator: "\n")
  }

  private var head: [(String, String)] {
    let uptime = figures["uptime_seconds"]?.whole ?? 0
    var lines = [
      ("up", "\(Self.duration(uptime)), since \(harmless(figures["since"]?.text ?? ""))"),
      ("ready", figures["ready"]?.boolean == true ? "yes" : "no"),
    ]
    for finding in figures["findings"]?.items ?? [] {
      lines.append(
        (finding["grave"]?.boolean == true ? "fault" : "warning", harmless(finding["message"]?.text ?? "")))
    }
    let policy = figures["policy"]
    lines.append(
      ("policy", "\(harmless(policy?["policy"]?.text ?? "")) since \(harmless(policy?["since"]?.text ?? ""))"))
    lines.append(
      (
        "connections",
        "\(count(figures["connections"]?["open"])) open, \(count(figures["connections"]?["taken_in"])) taken in, "
          + "\(count(figures["connections"]?["refused"])) refused"
      ))
    lines.append(
      ("work", "\(count(figures["work"]?["running"])) running, \(count(figures["work"]?["waiting"])) waiting"))
    lines.append(
      (
        "bytes",
        "\(Self.size(figures["bytes"]?["received"]?.whole ?? 0)) received, "
          + "\(Self.size(figures["bytes"]?["sent"]?.whole ?? 0)) sent"
      ))
    lines.append(("memory", Self.size(figures["memory"]?["resident"]?.whole ?? 0)))
    if let ledger = figures["ledger"], !ledger.isNull {
      lines.append(
        (
          "ledger",
          "\(harmless(ledger["state"]?.text ?? "")), \(count(ledger["commits"])) commits of "
            + "\(ledger["p50_ms"]?.json ?? "-") ms (99 %: \(ledger["p99_ms"]?.json ?? "-") ms), "
            + "\(count(ledger["users"])) users, \(count(ledger["audience"])) in the audience"
        ))
    }
    return lines
  }

  private var requests: String {
    let members = figures["requests"]?.members ?? []
    if members.isEmpty { return "" }
    var table = Table([
      .init(title: "op"), .init(title: "ok", isNumber: true), .init(title: "a second", isNumber: true),
      .init(title: "failed", isNumber: true), .init(title: "p50 ms", isNumber: true),
      .init(title: "p99 ms", isNumber: true), .init(title: "most ms", isNumber: true),
    ])
    let rows = members.map { member in
      let before = last?.figures["requests"]?[member.name]?["ok"]?.whole ?? 0
      let rate = last.map { last in
        last.seconds > 0 ? Int((Double((member.value["ok"]?.whole ?? 0) - before) / last.seconds).rounded()) : 0
      }
      let failed = (member.value["failed"]?.members ?? []).map { "\(harmless($0.name)) \(count($0.value))" }
      return [
        harmless(member.name), count(member.value["ok"]), rate.map(grouped) ?? "",
        failed.isEmpty ? "0" : failed.joined(separator: ", "), member.value["p50_ms"]?.json ?? "",
        member.value["p99_ms"]?.json ?? "", member.value["most_ms"]?.json ?? "",
      ]
    }
    return Self.text(&table, rows)
  }

  private var identities: String {
    let members = figures["identities"]?.members ?? []
    if members.isEmpty { return "" }
    var table = Table([
      .init(title: "identity", isElastic: true), .init(title: "ok", isNumber: true),
      .init(title: "failed", isNumber: true),
    ])
    return Self.text(&table, members.map { [harmless($0.name), count($0.value["ok"]), count($0.value["failed"])] })
  }

  private var candidates: String {
    var table = Table([
      .init(title: "candidates"), .init(title: "score", isNumber: true), .init(title: "rank", isNumber: true),
    ])
    let score = figures["candidates"]?["score"]?.members ?? []
    let rank = figures["candidates"]?["rank"]?.members ?? []
    let names = score.map(\.name) + rank.map(\.name).filter { name in !score.contains { $0.name == name } }
    let rows = names.compactMap { name -> [String]? in
      let counts = [score, rank].map { $0.first { $0.name == name }?.value.whole }
      return counts.allSatisfy { ($0 ?? 0) == 0 } ? nil : [harmless(name)] + counts.map { $0.map(grouped) ?? "" }
    }
    return rows.isEmpty ? "" : Self.text(&table, rows)
  }

  private var contacts: String {
    let items = figures["contacts"]?.items ?? []
    if items.isEmpty { return "" }
    var table = Table([.init(title: "contacts of"), .init(title: "on"), .init(title: "", isNumber: true)])
    return Self.text(
      &table,
      items.map { [harmless($0["stage"]?.text ?? ""), harmless($0["channel"]?.text ?? ""), count($0["count"])] })
  }

  private func count(_ value: JSONValue?) -> String { grouped(value?.whole ?? 0) }

  private static func text(_ table: inout Table, _ rows: [[String]]) -> String {
    table.fit(rows, width: Terminal.width)
    return ([table.header] + rows.map(table.line)).joined(separator: "\n") + "\n"
  }

  private static func duration(_ seconds: Int) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
    if days > 0 { return "\(days) d \(hours) h" }
    if hours > 0 { return "\(hours) h \(minutes) min" }
    return minutes > 0 ? "\(minutes) min \(seconds % 60) s" : "\(seconds) s"
  }

  private static func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
      if value < 1024 { return unit == "bytes" ? "\(bytes) bytes" : "\((value * 10).rounded() / 10) \(unit)" }
      value /= 1024
    }
    return "\((value * 10).rounded() / 10) TiB"
  }
}
