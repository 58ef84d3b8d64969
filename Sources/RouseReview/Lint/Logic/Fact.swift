import RouseCore

/// A value that a field of a candidate could have, for reasoning about conditions.
enum Fact: Sendable, Equatable {
  case null
  case truth(Bool)
  case number(Double)
  /// Seconds from now; the past is negative.
  case time(Int64)
  case text(String)

  static func == (left: Fact, right: Fact) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.truth(let a), .truth(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.time(let a), .time(let b)): a == b
    case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
    default: false
    }
  }
}

/// Which of SQL's three values a condition may still take.
struct Truths: OptionSet, Sendable {
  let rawValue: UInt8
  static let no = Truths(rawValue: 1)
  static let null = Truths(rawValue: 2)
  static let yes = Truths(rawValue: 4)
  static let any: Truths = [.no, .null, .yes]
  /// What does not hold: FALSE or NULL.
  static let notYes: Truths = [.no, .null]

  init(rawValue: UInt8) { self.rawValue = rawValue }
  init(_ value: Bool) { self = value ? .yes : .no }

  var negated: Truths {
    var result: Truths = []
    if contains(.no) { result.insert(.yes) }
    if contains(.null) { result.insert(.null) }
    if contains(.yes) { result.insert(.no) }
    return result
  }

  /// AND: the least of two, for all pairs.
  func and(_ other: Truths) -> Truths { combined(other) { min($0, $1) } }
  /// OR: the greatest.
  func or(_ other: Truths) -> Truths { combined(other) { max($0, $1) } }

  private func combined(_ other: Truths, _ pick: (UInt8, UInt8) -> UInt8) -> Truths {
    var result: Truths = []
    for a in [Truths.no, .null, .yes] where contains(a) {
      for b in [Truths.no, .null, .yes] where other.contains(b) {
        result.insert(Truths(rawValue: pick(a.rawValue, b.rawValue)))
      }
    }
    return result
  }
}
