import RouseWire

/// A rate as answers spell it: `{"count","of","rate","low","high"}`. Members that are missing, null or no finite
/// numbers are nil.
struct RateFigure: Sendable {
  var count: Double?
  var of: Double?
  var share: Double?
  var low: Double?
  var high: Double?

  init?(_ json: JSONValue?) {
    guard let json, !json.members.isEmpty else { return nil }
    count = json.finite("count")
    of = json.finite("of")
    share = json.finite("rate") ?? json.finite("share")
    if share == nil, let count, let of, of > 0 { share = count / of }
    low = json.finite("low")
    high = json.finite("high")
    if of == 0 {
      share = nil
      low = nil
      high = nil
    }
  }

  /// "12.0% (12 of 100; 7.0% to 19.8%)".
  var told: String {
    guard let share else { return Figures.unknown }
    return "\(Figures.percent(share)) (\(kOfN); \(range))"
  }

  var kOfN: String { "\(Figures.count(count)) of \(Figures.count(of))" }

  var range: String {
    guard let low, let high, share != nil else { return Figures.unknown }
    return "\(Figures.percent(low)) to \(Figures.percent(high))"
  }
}

extension JSONValue {
  /// A member that is a number which can be drawn.
  func finite(_ name: String) -> Double? { self[name]?.finite }

  var finite: Double? {
    guard let number, number.isFinite else { return nil }
    return number
  }

  /// A member's text, or that of a number.
  func words(_ name: String) -> String? {
    switch self[name] {
    case .text(let text): text
    case .number(let number): number
    default: nil
    }
  }

  func list(_ name: String) -> [JSONValue] { self[name]?.items ?? [] }

  /// A member down a path.
  func at(_ path: String...) -> JSONValue? {
    var value: JSONValue? = self
    for name in path { value = value?[name] }
    return value
  }
}
