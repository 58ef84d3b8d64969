import Glibc

/// Numbers as people read them, the same in every locale: 12,345.67, −3.2 %, 4.1k.
enum Figures {
  /// What stands where nothing is known.
  static let unknown = "not yet known"
  static let minus = "−"
  /// Between a number and its unit: no line breaks there.
  static let space = "\u{A0}"
  private static let sign = "\u{A0}%"

  /// Whole, with thousands apart.
  static func count(_ value: Double?) -> String {
    guard let value else { return unknown }
    return fixed(value, 0)
  }

  static func count(_ value: Int) -> String { count(Double(value)) }

  static func money(_ value: Double?) -> String {
    guard let value else { return unknown }
    return fixed(value, abs(value) >= 1e9 ? 0 : 2)
  }

  /// A share as a percentage, with the digits that tell something.
  static func percent(_ share: Double?) -> String {
    guard let share else { return unknown }
    let value = share * 100
    guard value.isFinite else { return unknown }
    let size = abs(value)
    if size == 0 { return "0" + sign }
    if size >= 1e6 { return fixed(value, 0) + sign }
    if size < 0.005 { return (value < 0 ? minus : "") + "<0.01" + sign }
    if size == 100 { return fixed(value, 0) + sign }
    return fixed(value, size >= 0.995 ? 1 : size >= 0.0995 ? 2 : 3) + sign
  }

  /// A difference of two shares, in percentage points.
  static func points(_ difference: Double?) -> String {
    guard let difference, (difference * 100).isFinite else { return unknown }
    let value = difference * 100
    return signed(value, abs(value) >= 0.995 || value == 0 ? 1 : abs(value) >= 0.0995 ? 2 : 3) + space + "pp"
  }

  /// A number of no unit, by its size.
  static func number(_ value: Double?, _ digits: Int? = nil) -> String {
    guard let value else { return unknown }
    if let digits { return fixed(value, digits) }
    let size = abs(value)
    if size == value.rounded() && size < 1e6 { return fixed(value, 0) }
    return fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4)
  }

  static func signed(_ value: Double?, _ digits: Int) -> String {
    guard let value else { return unknown }
    let text = fixed(value, digits)
    return value > 0 && text.contains(where: { $0 >= "1" && $0 <= "9" }) ? "+" + text : text
  }

  static func signedCount(_ value: Double?) -> String { signed(value, 0) }
  static func signedMoney(_ value: Double?) -> String {
    guard let value else { return unknown }
    return signed(value, abs(value) >= 1e9 ? 0 : 2)
  }

  /// Short, for an axis.
  static func axis(_ value: Double) -> String {
    let size = abs(value)
    for (unit, name) in [(1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k")]
    where size >= unit * 10 || size >= 1e6 && size >= unit {
      if size >= 1e16 { break }
      return trimmed(value / unit, 2) + name
    }
    if size >= 1e16 { return exponent(value) }
    if size > 0, size < 0.001 { return size < 1e-6 ? exponent(value) : trimmed(value, 6) }
    return trimmed(value, size >= 100 ? 0 : 3)
  }

  static func axisPercent(_ share: Double) -> String {
    abs(share) >= 1e6 ? axis(share) + "×" : trimmed(share * 100, 3) + sign
  }

  static func axisPoints(_ difference: Double) -> String {
    let text = axisPercent(difference)
    return difference > 0 ? "+" + text : text
  }

  /// As many decimals and no exponent, while that can be read.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return unknown }
    let size = abs(value)
    var scale = 1.0
    for _ in 0..<max(0, digits) { scale *= 10 }
    let scaled = (size * scale).rounded()
    guard scaled < 1e15, size < 1e15 else { return exponent(value) }
    let all = Int(scaled)
    let unit = Int(scale)
    var text = grouped(all / unit)
    if digits > 0 {
      let rest = String(all % unit)
      text += "." + String(repeating: "0", count: max(0, digits - rest.count)) + rest
    }
    return value < 0 && all != 0 ? minus + text : text
  }

  private static func trimmed(_ value: Double, _ digits: Int) -> String {
    var text = fixed(value, digits)
    guard text.contains(".") else { return text }
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }

  private static func grouped(_ value: Int) -> String {
    let digits = Array(String(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  private static func exponent(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "0" }
    var power = Int(log10(abs(value)).rounded(.down))
    var front = abs(value) / pow(10, Double(power))
    if front >= 9.995 {
      front /= 10
      power += 1
    }
    guard front.isFinite else { return (value < 0 ? minus : "") + "1e\(power)" }
    return (value < 0 ? minus : "") + fixed(front, 2) + "e\(power)"
  }

  /// "1 user", "2 users".
  static func counted(_ value: Double?, _ one: String, _ many: String) -> String {
    guard let value else { return "an unknown number of \(many)" }
    return "\(count(value)) \(value == 1 ? one : many)"
  }
}
