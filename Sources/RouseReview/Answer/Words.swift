import RouseCore
import RouseWire

/// Figures as the sentences of an answer say them. No locale: a comma groups, a point divides.
enum Words {
  static func count(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var grouped = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped.append(",") }
      grouped.append(digit)
    }
    return value < 0 ? "-" + grouped : grouped
  }

  /// Three leading digits: `0.037 %`, `1.24 %`, `37.5 %`.
  static func percent(_ share: Double) -> String {
    let value = share * 100
    let size = abs(value)
    if size == 0 { return "0 %" }
    return fixed(value, decimals: size >= 10 ? 1 : size >= 1 ? 2 : 3) + " %"
  }

  static func money(_ micros: Int64) -> String {
    let value = Double(micros) / 1e6
    guard abs(value) >= 1000 else { return fixed(value, decimals: 2) }
    return count(Int(value.rounded()))
  }

  /// `1.24 % of 5,000 contacts (95 %: 0.97 to 1.58 %)`
  static func rate(_ rate: Rate, of what: String) -> String {
    guard let share = rate.share else { return "no \(what)" }
    let interval = rate.interval
    return
      "\(percent(share)) of \(count(rate.of)) \(what) (95 %: \(percent(interval.low)) to \(percent(interval.high)))"
  }

  static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let all = Int((abs(value) * scale + 0.5).rounded(.down))
    let whole = all / Int(scale)
    let part = String(all % Int(scale))
    let sign = value < 0 && all != 0 ? "-" : ""
    if decimals == 0 { return sign + count(whole) }
    return sign + count(whole) + "." + String(repeating: "0", count: decimals - part.count) + part
  }
}
