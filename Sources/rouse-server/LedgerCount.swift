import ArgumentParser
import RouseCore
import RouseLedger
import RouseServer
import RouseWire

struct LedgerCount: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Tell what the ledger holds: users, candidates, events, plans, bytes.",
    discussion: "Changes nothing; the server may go on meanwhile. Exit code 2 when the file cannot be read.")

  @OptionGroup var source: LedgerSource

  @Flag(help: "The answer as JSON.")
  var json = false

  func run() throws {
    let stats = try source.with { (path) throws(LedgerError) in try LedgerFile.stats(path) }
    if json { return print(Self.json(stats)) }
    var rows = [
      ["users", "\(stats.users), of whom \(stats.erasedUsers) have been erased"],
      ["audience", "\(stats.audience) candidates"],
      ["events", Self.span(stats)],
    ]
    rows += stats.kinds.map { ["  " + $0.name, String($0.events)] }
    rows += [
      ["plans", "\(stats.plans), with \(stats.planRows) rows"], ["policies", String(stats.policies)],
      ["file", "\(shownSize(stats.bytes)), of which \(shownSize(stats.freeBytes)) are free"],
      ["log", shownSize(stats.logBytes)], ["version", String(stats.version)],
    ]
    for line in aligned(rows) { print(line) }
  }

  private static func span(_ stats: LedgerStats) -> String {
    guard let oldest = stats.oldestEvent, let newest = stats.newestEvent else { return String(stats.events) }
    return "\(stats.events), from \(Moment.format(oldest)) to \(Moment.format(newest))"
  }

  private static func json(_ stats: LedgerStats) -> String {
    let kinds = stats.kinds.map { "\(JSONText.quoted($0.name)):\($0.events)" }.joined(separator: ",")
    func time(_ moment: Int64?) -> String { moment.map { "\"\(Moment.format($0))\"" } ?? "null" }
    let members: [(String, String)] = [
      ("version", String(stats.version)), ("users", String(stats.users)), ("erased_users", String(stats.erasedUsers)),
      ("audience", String(stats.audience)), ("events", String(stats.events)), ("kinds", "{\(kinds)}"),
      ("oldest_event", time(stats.oldestEvent)), ("newest_event", time(stats.newestEvent)),
      ("plans", String(stats.plans)), ("plan_rows", String(stats.planRows)), ("policies", String(stats.policies)),
      ("bytes", String(stats.bytes)), ("log_bytes", String(stats.logBytes)), ("free_bytes", String(stats.freeBytes)),
    ]
    return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
  }
}
