import RouseCore
import RouseWire

/// A file of any trade as columns, for a first policy: what each holds is told by its values.
package struct DataTable: Sendable {
  /// One path of the rows' objects.
  package struct Column: Sendable {
    package let name: String
    /// One a row; of a time its seconds since 1970; NaN where there is no number.
    var numbers: [Double] = []
    /// One a row: an index into `levels`, or -1.
    var texts: [Int32] = []
    /// Distinct texts, numbers as they are spelled among them, in order of appearance.
    var levels: [String] = []
    /// There are more than anyone would list.
    var hasTooMany = false
    var indices: [ExactText: Int32] = [:]
    var numberCount = 0
    var textCount = 0
    var flagCount = 0
    var timeCount = 0
    var missingCount = 0
    /// Distinct texts that are no numbers, the first few.
    var words: [ExactText] = []
  }

  static let mostLevels = 2000
  /// More are no table that anyone made.
  package static let mostColumns = 5000
  /// Words that may stand among numbers for none.
  static let mostWords = 5

  package private(set) var columns: [Column] = []
  private var places: [ExactText: Int] = [:]
  package private(set) var outcomes: [Bool] = []
  var weights: [Double] = []

  package init() {}

  package var count: Int { outcomes.count }

  /// - Parameters:
  ///   - row: an object; lists in it are passed over.
  ///   - ignored: paths that are no characteristics, such as the outcome itself.
  package mutating func add(_ row: JSONValue, outcome: Bool, weight: Double = 1, ignoring ignored: Set<ExactText>) {
    outcomes.append(outcome)
    weights.append(weight)
    add(row, "", ignored)
    for index in columns.indices where columns[index].numbers.count < count { fill(index, to: count) }
  }

  private mutating func add(_ object: JSONValue, _ prefix: String, _ ignored: Set<ExactText>) {
    for member in object.members {
      let path = prefix.isEmpty ? member.name : prefix + "." + member.name
      if ignored.contains(ExactText(path)) { continue }
      switch member.value {
      case .object: add(member.value, path, ignored)
      case .list: continue
      case .null: _ = column(path)
      case .boolean(let flag): set(path, text: flag ? "true" : "false", number: nil, isFlag: true)
      case .number(let text): set(path, text: text, number: Double(text), isFlag: false)
      case .text(let text):
        let lower = text.count < 6 ? text.lowercased() : ""
        let isFlag = lower == "true" || lower == "false"
        set(path, text: isFlag ? lower : text, number: isFlag ? nil : Self.number(text), isFlag: isFlag)
      }
    }
  }

  /// JSON's spelling of a number, as a CSV's cells are read.
  static func number(_ text: String) -> Double? {
    guard let first = text.utf8.first, first == 0x2D || (0x30...0x39).contains(first),
      let value = JSONValue(Array(text.utf8))?.number, value.isFinite
    else { return nil }
    return value
  }

  private mutating func column(_ path: String) -> Int {
    let key = ExactText(path)
    if let index = places[key] { return index }
    places[key] = columns.count
    columns.append(Column(name: path))
    fill(columns.count - 1, to: count - 1)
    return columns.count - 1
  }

  private mutating func fill(_ index: Int, to rows: Int) {
    let missing = rows - columns[index].numbers.count
    guard missing > 0 else { return }
    columns[index].numbers += [Double](repeating: .nan, count: missing)
    columns[index].texts += [Int32](repeating: -1, count: missing)
    columns[index].missingCount += missing
  }

  private mutating func set(_ path: String, text: String, number: Double?, isFlag: Bool) {
    let index = column(path)
    // A path spelled both ways: the first stands.
    guard columns[index].numbers.count < count else { return }
    let moment = number == nil && text.utf8.count >= 20 ? Moment.parse(text) : nil
    columns[index].numbers.append(number ?? moment.map { Double($0) } ?? .nan)
    columns[index].texts.append(level(text, index))
    if isFlag {
      columns[index].flagCount += 1
    } else if number != nil {
      columns[index].numberCount += 1
    } else {
      columns[index].textCount += 1
      if columns[index].words.count <= Self.mostWords, !columns[index].words.contains(ExactText(text)) {
        columns[index].words.append(ExactText(text))
      }
      if moment != nil { columns[index].timeCount += 1 }
    }
  }

  private mutating func level(_ text: String, _ index: Int) -> Int32 {
    if columns[index].hasTooMany { return -1 }
    let key = ExactText(text)
    if let known = columns[index].indices[key] { return known }
    if columns[index].levels.count == Self.mostLevels {
      columns[index].hasTooMany = true
      return -1
    }
    let level = Int32(columns[index].levels.count)
    columns[index].levels.append(text)
    columns[index].indices[key] = level
    return level
  }
}

extension DataTable.Column {
  /// What the column would be declared as; nil: nothing is in it.
  var kind: FieldKind? {
    let present = numberCount + textCount + flagCount
    if present == 0 { return nil }
    if flagCount == present { return .flags }
    if timeCount * 100 >= present * 99 { return .times }
    // A few words among numbers say that there is none: `NA`, `?`.
    if numberCount == present
      || timeCount == 0 && numberCount * 100 >= present * 80
        && words.count <= DataTable.mostWords
    {
      return .numbers
    }
    return .texts
  }

  /// Of a column of times; seconds since 1970.
  func moment(_ row: Int) -> Int64? { numbers[row].isNaN ? nil : Int64(exactly: numbers[row]) }
}
