import RouseCore
import RouseWire

/// The totals of a plan, added up from its rows.
struct ReplayTotals {
  struct Total {
    let name: String
    /// As decimals; nil: the totals do not have it.
    let kept: String?
    let rows: String
    var isEqual: Bool { kept == rows }
  }

  private var contacts = 0
  private var value = Int128(0)
  private var spend = Int128(0)
  private var capital = Int128(0)
  private var worth = Int128(0)
  private var byChannel: [Int]
  private let channels: [String]

  init(_ policy: Policy) {
    channels = policy.channels.map(\.name)
    byChannel = channels.map { _ in 0 }
  }

  mutating func add(_ row: LoggedRow, _ policy: Policy) {
    contacts += 1
    value += Int128(row.value)
    spend += Int128(row.spend)
    capital += Int128(row.capital)
    worth += policy.worth(value: row.value, spend: row.spend)
    if let index = channels.firstIndex(where: { ExactText($0) == ExactText(row.channel) }) { byChannel[index] += 1 }
  }

  /// - Parameter totals: the reply's `plan`.
  func against(_ totals: [UInt8]) -> [Total] {
    let kept = JSONValue(totals)
    func text(_ value: JSONValue?) -> String? { value.flatMap { if case .number(let text) = $0 { text } else { nil } } }
    func money(_ micros: Int128) -> String {
      var out = ByteWriter(capacity: 64)
      out.write(micros: micros)
      return String(decoding: out.bytes, as: UTF8.self)
    }
    var all = [
      Total(name: "contacts", kept: text(kept?["contacts"]), rows: String(contacts)),
      Total(name: "value", kept: text(kept?["value"]), rows: money(value)),
      Total(name: "spend", kept: text(kept?["spend"]), rows: money(spend)),
      Total(name: "capital", kept: text(kept?["capital"]), rows: money(capital)),
    ]
    for (name, count) in zip(channels, byChannel) {
      all.append(Total(name: "by_channel.\(name)", kept: text(kept?["by_channel"]?[name]), rows: String(count)))
    }
    all.append(
      Total(name: "net_value", kept: text(kept?["net_value"]), rows: money(floorDivide(worth, Int128(Micros.one)))))
    return all
  }
}
