import TestData

@testable import RouseCore

/// Random candidates of a small policy, straight as rows.
struct AudienceRows {
  static let declared = [
    Field(name: "t", kind: .times), Field(name: "u", kind: .times), Field(name: "ahead", kind: .timesAhead),
    Field(name: "n", kind: .numbers), Field(name: "m", kind: .numbers), Field(name: "k", kind: .numbers),
    Field(name: "p", kind: .flags), Field(name: "q", kind: .flags), Field(name: "s", kind: .texts),
    Field(name: "r", kind: .texts),
  ]
  static let policy = Policy(
    SmallPolicy.definition(
      fields: FieldTable(declared: declared),
      suppress: try! ConditionParser.parse(
        "s IN ('a', 'é', '') OR r = 'a'",
        in: ConditionScope(fields: FieldTable(declared: declared), derivedAllowed: false))), bytes: [])

  var random: SplitMix
  /// How far values may lie apart: small ones first, so that chunks must widen.
  var spread = 0

  private static let words = ["a", "b", "é", "e\u{301}", "", "\u{0}", "中文", String(repeating: "long ", count: 60), "x"]
  private static let numbers: [Double] = [
    0, 1, -1, 0.5, 0.01, 1.23, -99.99, 0.0001, 0.123456, 0.1 + 0.2, 1e15, 1e16, 9_007_199_254_740_992,
    9_007_199_254_740_993e3, -0.0, 1e300, -1e-300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 3.5e10,
    123_456.789,
  ]

  mutating func fill(_ row: CandidateRow) {
    row.reset()
    for (slot, field) in Self.declared.enumerated() {
      switch Int.random(in: 0..<10, using: &random) {
      case 0...1: continue
      case 2 where spread > 1: row.states[slot] = FactState.wrongType
      default: set(row, slot, field.kind)
      }
    }
    row.ignored = chance(90) ? 0 : [1, 7, 1 << 20, Int(UInt32.max)].randomElement(using: &random) ?? 0
    row.share = -1
    switch Int.random(in: 0..<20, using: &random) {
    case 0: row.contactsState = FactState.wrongType
    case 1: row.contactsState = FactState.present
    case 2 where spread > 0: carry(row)
    default: break
    }
  }

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  private mutating func set(_ row: CandidateRow, _ slot: Int, _ kind: FieldKind) {
    switch kind {
    case .times, .timesAhead:
      let range: ClosedRange<Int64> =
        switch spread {
        case 0: 1_700_000_000...1_700_000_100
        case 1: 1_600_000_000...1_800_000_000
        default: chance(90) ? 0...2_000_000_000 : Moment.first...Moment.last
        }
      row.set(
        slot,
        time: chance(2) && spread > 1 ? (chance(50) ? Moment.first : Moment.last) : .random(in: range, using: &random))
    case .numbers:
      switch (slot, spread) {
      case (3, 0...1), (_, 0): row.set(slot, number: Double(Int.random(in: 0..<10, using: &random)))
      case (4, 1): row.set(slot, number: Double(Int.random(in: -999...999, using: &random)) / 100)
      default: row.set(slot, number: Self.numbers.randomElement(using: &random) ?? 0)
      }
    case .flags: row.set(slot, flag: spread == 0 || chance(50))
    case .texts:
      let word =
        spread > 1 && chance(20)
        ? "w\(Int.random(in: 0..<5000, using: &random))"
        : Self.words[Int.random(in: 0..<(spread == 0 ? 2 : Self.words.count), using: &random)]
      row.set(slot, text: Self.policy.texts.id(of: word))
      Array(word.utf8).withUnsafeBytes { row.keep(slot, $0) }
    }
  }

  private mutating func carry(_ row: CandidateRow) {
    row.contactsState = FactState.present
    row.contactEntries = Int.random(in: 1...5, using: &random)
    for _ in 0..<Int.random(in: 0...row.contactEntries, using: &random) {
      let at = chance(80) ? Int64.random(in: 1_600_000_000...1_800_000_000, using: &random) : Moment.last
      row.contacts.append(CandidateRow.Contact(at: at, channel: -1))
      Array((Self.words.randomElement(using: &random) ?? "").utf8).withUnsafeBytes { row.keepChannel($0) }
    }
  }

  /// All that a reader puts into a row but the user_id, for comparison.
  static func said(_ row: CandidateRow) -> String {
    var said = ""
    for slot in 0..<declared.count {
      said += " \(declared[slot].name):\(row.states[slot])"
      if row.isPresent(slot) {
        said += "=\(row.bits[slot])"
        if declared[slot].kind == .texts, row.keepsTexts { said += Array(row.keptText(slot).utf8).description }
      }
    }
    said += " contacts:\(row.contactsState),\(row.contactEntries) ignored:\(row.ignored)"
    for (index, contact) in row.contacts.enumerated() {
      let place = row.channelPlaces[index]
      said += " \(contact.at)@\(contact.channel)\(row.textBytes[place.start..<(place.start + place.count)])"
    }
    return said
  }
}
