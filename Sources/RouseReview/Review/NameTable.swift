import RouseCore

/// Numbers for names, in the order in which they were met: columns hold four bytes in place of a text.
struct NameTable {
  private(set) var names: [String] = []
  private var numbers: [ExactText: Int32] = [:]

  /// None: what is not known.
  static let none: Int32 = -1

  mutating func number(_ name: String?) -> Int32 {
    guard let name else { return Self.none }
    // Nearly always it is one of a few.
    let count = name.utf8.count
    for index in 0..<min(names.count, Self.few)
    where names[index].utf8.count == count && names[index].utf8.elementsEqual(name.utf8) {
      return Int32(truncatingIfNeeded: index)
    }
    let key = ExactText(name)
    if let known = numbers[key] { return known }
    let next = Int32(truncatingIfNeeded: names.count)
    names.append(name)
    numbers[key] = next
    return next
  }
  private static let few = 12

  /// nil: the name was never met.
  func known(_ name: String) -> Int32? { numbers[ExactText(name)] }

  /// nil of `none`.
  func name(_ number: Int32) -> String? {
    let index = Int(number)
    return names.indices.contains(index) ? names[index] : nil
  }

  /// All numbers in the order in which answers list them: those of a policy's list first, then by their bytes, then none.
  func order(_ listed: [String]) -> [Int32] {
    let first = listed.compactMap(known)
    let listed = Set(first)
    let rest = names.indices.map { Int32(truncatingIfNeeded: $0) }.filter { !listed.contains($0) }
      .sorted { names[Int($0)].utf8.lexicographicallyPrecedes(names[Int($1)].utf8) }
    return first + rest + [Self.none]
  }
}

extension Int64 {
  /// The sum, or the nearest number there is.
  func adding(_ other: Int64) -> Int64 {
    let (sum, isOver) = addingReportingOverflow(other)
    return isOver ? (other > 0 ? .max : .min) : sum
  }
}
