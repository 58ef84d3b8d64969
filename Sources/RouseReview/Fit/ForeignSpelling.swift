import RouseCore

/// A spelling of other tools that is not read as what it means: a column of it would silently be a column of words.
enum ForeignSpelling {
  /// `31.12.2025`, `12/31/2025`, `2025/12/31`, `20251231`, each with or without a time of day behind it.
  case date
  /// `9,272.50`, `12,05`, `1 000`.
  case number

  /// What the column's values look like; nil where they are words, or are read as what they are.
  init?(_ column: DataTable.Column) {
    let values = column.levels.prefix(50)
    let most = values.count * 4 / 5
    if values.count < 3 || column.kind == .times || column.kind == .flags { return nil }
    if values.count(where: Self.isDate) > most {
      self = .date
    } else if column.kind == .texts, values.count(where: Self.isNumber) > most {
      self = .number
    } else {
      return nil
    }
  }

  /// One line: what it is taken for, and what to do.
  func note(_ column: DataTable.Column) -> String {
    let example = FieldNames.shown(column.levels.first { self == .date ? Self.isDate($0) : Self.isNumber($0) } ?? "")
    return switch self {
    case .date:
      "\(column.name): looks like dates ('\(example)') and cannot be read as times: write them as 2025-12-31"
    case .number:
      "\(column.name): looks like numbers ('\(example)') and cannot be read as such: write them as 1234.50"
    }
  }

  private static func isDate(_ text: String) -> Bool {
    let day = text.utf8.prefix { $0 != 0x20 && $0 != 0x54 }  // up to a space or a T
    let parts = day.split(omittingEmptySubsequences: false) { $0 == 0x2E || $0 == 0x2F || $0 == 0x2D }
    let numbers = parts.compactMap { number($0) }
    guard numbers.count == parts.count else { return false }
    if numbers.count == 1, day.count == 8, text.utf8.count == 8 {
      return isCalendar(numbers[0] / 10_000, numbers[0] / 100 % 100, numbers[0] % 100)
    }
    guard numbers.count == 3 else { return false }
    let (a, b, c) = (numbers[0], numbers[1], numbers[2])
    if parts[0].count == 4 { return isCalendar(a, b, c) }
    guard parts[2].count == 4 || parts[2].count == 2 else { return false }
    let year = parts[2].count == 4 ? c : 2000 + c
    return isCalendar(year, a, b) || isCalendar(year, b, a)
  }

  private static func number(_ digits: Substring.UTF8View.SubSequence) -> Int? {
    guard (1...8).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private static func isCalendar(_ year: Int, _ month: Int, _ day: Int) -> Bool {
    (1900...2100).contains(year) && (1...12).contains(month) && (1...31).contains(day)
  }

  /// Digits, marks between them, perhaps a sign or a currency.
  private static func isNumber(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    return scalars.contains { $0.value >= 0x30 && $0.value <= 0x39 }
      && scalars.allSatisfy { ("0"..."9").contains($0) || " .,'-+%$€£¥\u{A0}\u{202F}".unicodeScalars.contains($0) }
  }
}
