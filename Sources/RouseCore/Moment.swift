/// Seconds since 1970 and their RFC 3339 text, by the proleptic Gregorian calendar; no locale, no time zone database.
package enum Moment {
  package static let day: Int64 = 86_400
  /// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what a time of a candidate or a request may be (model 2.2).
  package static let first: Int64 = -62_135_596_800
  package static let last: Int64 = 253_402_300_799

  /// Seconds since 1970 of an RFC 3339 text, its fraction cut off; nil when it is none, or outside years 1 to 9999.
  package static func parse(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard text.count >= 20 else { return nil }
    @inline(__always) func digits(_ at: Int, _ count: Int) -> Int? {
      var value = 0
      for index in at..<(at + count) {
        let digit = Int(text[index]) - 0x30
        guard digit >= 0, digit <= 9 else { return nil }
        value = value * 10 + digit
      }
      return value
    }
    guard let year = digits(0, 4), text[4] == 0x2D, let month = digits(5, 2), text[7] == 0x2D,
      let dayOfMonth = digits(8, 2), text[10] | 0x20 == 0x74, let hour = digits(11, 2), text[13] == 0x3A,
      let minute = digits(14, 2), text[16] == 0x3A, let second = digits(17, 2)
    else { return nil }
    guard month >= 1, month <= 12, dayOfMonth >= 1, dayOfMonth <= days(inMonth: month, of: year), hour <= 23,
      minute <= 59, second <= 59
    else { return nil }
    var at = 19
    if text[at] == 0x2E {
      at += 1
      let start = at
      while at < text.count, text[at] >= 0x30, text[at] <= 0x39 { at += 1 }
      guard at > start, at < text.count else { return nil }
    }
    var offset = 0
    switch text[at] {
    case 0x5A, 0x7A:
      guard at + 1 == text.count else { return nil }
    case 0x2B, 0x2D:
      guard at + 6 == text.count, text[at + 3] == 0x3A, let hours = digits(at + 1, 2), let minutes = digits(at + 4, 2),
        hours <= 23, minutes <= 59
      else { return nil }
      offset = (hours * 60 + minutes) * (text[at] == 0x2B ? 60 : -60)
    default:
      return nil
    }
    let seconds =
      daysSince1970(year: year, month: month, day: dayOfMonth) * day
      + Int64(hour * 3600 + minute * 60 + second - offset)
    return seconds >= first && seconds <= last ? seconds : nil
  }

  /// What `parse` says of the 20 bytes from here on if they have the form `2026-03-01T10:00:00Z`; nil for any other form, and
  /// for what is no time.
  @inline(__always)
  package static func parseUTC(_ text: UnsafeRawPointer) -> Int64? {
    // Eight bytes at a time, the first one lowest. Where each byte must stand, what is xored leaves a digit's value and
    // nothing of a separator.
    @inline(__always) func word(_ at: Int) -> UInt64 {
      UInt64(littleEndian: text.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }
    let date = word(0) ^ 0x2D30_302D_3030_3030  // YYYY-MM-
    let time = word(8) ^ 0x3030_3A30_3054_3030  // DDTHH:MM
    let rest = word(12) ^ 0x5A30_303A_3030_3A30  // H:MM:SSZ
    // Each byte plus 0x7F less the most that it may be: beyond that its top bit gets set.
    let over =
      (date &+ 0x7F76_7E7F_7676_7676) | (time &+ 0x767A_7F76_7D7F_767C) | (rest &+ 0x7F76_7A7F_767A_7F76)
      | date | time | rest
    guard over & 0x8080_8080_8080_8080 == 0 else { return nil }
    // Each byte ten times, and the next one.
    let dates = date &* 10 &+ date &>> 8
    let times = time &* 10 &+ time &>> 8
    let seconds = rest &* 10 &+ rest &>> 8
    let year = (dates & 0xFF) &* 100 &+ dates &>> 16 & 0xFF
    let month = dates &>> 40 & 0xFF
    let day = times & 0xFF
    let hour = times &>> 24 & 0xFF
    guard year >= 1, month &- 1 <= 11, day &- 1 <= 27 || isDate(year, month, day), hour <= 23 else { return nil }
    // As in `daysSince1970`; 979 / 32 steps as 153 / 5 does.
    let isEarly: UInt64 = month <= 2 ? 1 : 0
    let shifted = year &- isEarly
    let century = shifted / 100
    let days =
      shifted &* 365 &+ shifted &>> 2 &- century &+ century &>> 2 &+ (979 &* (month &+ 12 &* isEarly) &- 2919) &>> 5
      &+ day
    let minutes = hour &* 60 &+ times &>> 48 & 0xFF
    return Int64(bitPattern: days &* 86_400 &+ minutes &* 60 &+ seconds &>> 40 & 0xFF) &- 719_469 &* 86_400
  }

  private static func isDate(_ year: UInt64, _ month: UInt64, _ day: UInt64) -> Bool {
    day >= 1 && day <= UInt64(days(inMonth: Int(month), of: Int(year)))
  }

  package static func parse(_ text: String) -> Int64? {
    var copy = text
    return copy.withUTF8 { parse(UnsafeRawBufferPointer($0)) }
  }

  /// `2026-03-01T10:00:00+08:00`; `Z` when the offset is 0.
  package static func format(_ seconds: Int64, offsetMinutes: Int = 0) -> String {
    let local = seconds + Int64(offsetMinutes) * 60
    let days = floorDivide(local, day)
    let second = Int(local - days * day)
    let (year, month, dayOfMonth) = date(daysSince1970: days)
    var text: [UInt8] = []
    func append(_ value: Int, _ width: Int) {
      let digits = Array(String(value).utf8)
      for _ in 0..<max(0, width - digits.count) { text.append(0x30) }
      text += digits
    }
    append(year, 4)
    text.append(0x2D)
    append(month, 2)
    text.append(0x2D)
    append(dayOfMonth, 2)
    text.append(0x54)
    append(second / 3600, 2)
    text.append(0x3A)
    append(second / 60 % 60, 2)
    text.append(0x3A)
    append(second % 60, 2)
    if offsetMinutes == 0 {
      text.append(0x5A)
    } else {
      text.append(offsetMinutes < 0 ? 0x2D : 0x2B)
      append(abs(offsetMinutes) / 60, 2)
      text.append(0x3A)
      append(abs(offsetMinutes) % 60, 2)
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  /// - Parameter month: 1 to 12.
  private static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Howard Hinnant's `days_from_civil`: years begin in March, so the leap day is the last.
  static func daysSince1970(year: Int, month: Int, day: Int) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }

  /// Howard Hinnant's `civil_from_days`.
  package static func date(daysSince1970 days: Int64) -> (year: Int, month: Int, day: Int) {
    let shifted = Int(days) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
  }
}

/// Rounds towards minus infinity, as everywhere in the model. `divisor` > 0.
@inline(__always)
package func floorDivide<Integer: FixedWidthInteger & SignedInteger>(_ value: Integer, _ divisor: Integer) -> Integer {
  let quotient = value / divisor
  // One division: of 128 bits they are slow.
  return value - quotient * divisor < 0 ? quotient - 1 : quotient
}
