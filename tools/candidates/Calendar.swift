/// Dates as text without dividing by months: one table of days around the chosen moment, one of minutes.
final class Calendar {
  static let day = 86_400
  /// How far a made-up life may reach back from the chosen moment, and a time ahead of it, in days.
  static let back = 3000
  static let ahead = 1200
  /// Years for which the whole table has four digits.
  static let years = 1000...9900

  private let firstDay: Int
  private let days: UnsafeMutablePointer<UInt64>
  private let minutes: UnsafeMutablePointer<UInt64>

  init(around now: Int) {
    firstDay = Calendar.day(of: now) - Calendar.back
    let count = Calendar.back + Calendar.ahead
    days = .allocate(capacity: 2 * count)
    for index in 0..<count {
      let (year, month, day) = Calendar.civil(firstDay + index)
      days[2 * index] = Calendar.word("\"" + Calendar.padded(year, 4) + "-" + Calendar.padded(month, 2))
      days[2 * index + 1] = Calendar.word("-" + Calendar.padded(day, 2))
    }
    minutes = .allocate(capacity: 1440)
    for index in 0..<1440 {
      minutes[index] = Calendar.word("T" + Calendar.padded(index / 60, 2) + ":" + Calendar.padded(index % 60, 2) + ":")
    }
  }

  deinit {
    days.deallocate()
    minutes.deallocate()
  }

  /// Writes `"YYYY-MM-DDTHH:MM:SSZ"` and gives the place behind it.
  @inline(__always)
  func write(_ time: Int, to place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let second = time &- firstDay &* Calendar.day
    let day = second / Calendar.day
    precondition(second >= 0 && day < Calendar.back + Calendar.ahead, "no made-up life reaches beyond the table")
    let rest = second &- day &* Calendar.day
    let minute = rest / 60
    let tail = rest &- minute &* 60
    let raw = UnsafeMutableRawPointer(place)
    raw.storeBytes(of: days[2 &* day], as: UInt64.self)
    raw.storeBytes(of: days[2 &* day &+ 1], toByteOffset: 8, as: UInt64.self)
    raw.storeBytes(of: minutes[minute], toByteOffset: 11, as: UInt64.self)
    place[18] = 48 &+ UInt8(truncatingIfNeeded: tail / 10)
    place[19] = 48 &+ UInt8(truncatingIfNeeded: tail % 10)
    place[20] = UInt8(ascii: "Z")
    place[21] = UInt8(ascii: "\"")
    return place + 22
  }

  /// RFC 3339 to seconds since 1970, or nil.
  static func parse(_ text: String) -> Int? {
    var bytes = Array(text.utf8)[...]
    func number(_ digits: Int) -> Int? {
      guard bytes.count >= digits, bytes.prefix(digits).allSatisfy({ (48...57).contains($0) }) else { return nil }
      defer { bytes = bytes.dropFirst(digits) }
      return bytes.prefix(digits).reduce(0) { $0 * 10 + Int($1 - 48) }
    }
    func sign(_ accepted: String) -> UInt8? {
      guard let first = bytes.first, accepted.utf8.contains(first) else { return nil }
      bytes = bytes.dropFirst()
      return first
    }
    guard let year = number(4), sign("-") != nil, let month = number(2), sign("-") != nil, let day = number(2),
      sign("Tt") != nil, let hour = number(2), sign(":") != nil, let minute = number(2), sign(":") != nil,
      let second = number(2), hour < 24, minute < 60, second < 60, (1...12).contains(month)
    else { return nil }
    if sign(".") != nil {
      guard number(1) != nil else { return nil }
      while number(1) != nil {}
    }
    guard let zone = sign("Zz+-") else { return nil }
    var offset = 0
    if zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") {
      guard let hours = number(2), sign(":") != nil, let minutes = number(2), hours < 24, minutes < 60
      else { return nil }
      offset = (hours * 60 + minutes) * (zone == UInt8(ascii: "-") ? -60 : 60)
    }
    let days = self.days(year, month, day)
    guard bytes.isEmpty, civil(days) == (year, month, day) else { return nil }
    return days * Calendar.day + hour * 3600 + minute * 60 + second - offset
  }

  static func year(of time: Int) -> Int { civil(day(of: time)).0 }

  /// Whole days since 1970-01-01, rounded down.
  @inline(__always)
  static func day(of time: Int) -> Int { (time &- (time < 0 ? day &- 1 : 0)) / day }

  /// Days since 1970-01-01 of a date (Howard Hinnant's days_from_civil).
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The other way round.
  private static func civil(_ days: Int) -> (Int, Int, Int) {
    let z = days + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// Up to eight bytes of text as they stand in memory.
  private static func word(_ text: String) -> UInt64 {
    var value: UInt64 = 0
    withUnsafeMutableBytes(of: &value) { place in
      for (index, byte) in text.utf8.prefix(8).enumerated() { place[index] = byte }
    }
    return value
  }
}
