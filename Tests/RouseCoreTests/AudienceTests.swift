import TestData
import Testing

@testable import RouseCore

/// What goes into an audience comes out of it, bit for bit.
@Suite struct AudienceTests {
  private static let policy = AudienceRows.policy

  /// An audience beside a plain dictionary of what was put.
  private struct Pair {
    let audience = Audience(fields: policy.fields)
    var said: [Int: String] = [:]
    var rows: AudienceRows
    let row = CandidateRow(policy: policy, keepingTexts: true)

    init(seed: UInt64) { rows = AudienceRows(random: SplitMix(state: seed)) }

    mutating func put(_ slots: [Int]) {
      let images = AudienceImages(fields: policy.fields)
      for slot in slots {
        rows.fill(row)
        images.append(row)
        said[slot] = AudienceRows.said(row)
      }
      for (index, slot) in slots.enumerated() { audience.put(slot, images, index) }
    }

    mutating func remove(_ slot: Int) {
      said[slot] = nil
      audience.remove(slot)
    }

    func check(_ sourceLocation: SourceLocation = #_sourceLocation) {
      let texts = AudienceTexts(audience: audience, policy: policy)
      texts.refresh()
      var wrong = 0
      for slot in 0..<audience.slotCount {
        #expect(audience.has(slot) == (said[slot] != nil), sourceLocation: sourceLocation)
        guard let wanted = said[slot] else { continue }
        audience.gather(slot, texts, into: row)
        let got = AudienceRows.said(row)
        guard got != wanted else { continue }
        wrong += 1
        if wrong < 3 { #expect(got == wanted, "slot \(slot)", sourceLocation: sourceLocation) }
      }
      #expect(audience.count == said.count, sourceLocation: sourceLocation)
    }
  }

  @Test func inOrder() {
    var pair = Pair(seed: 1)
    pair.put(Array(0..<20_000))
    pair.check()
    pair.audience.settle()
    pair.check()
    #expect(pair.audience.memory < 20_000 * 60 + 100_000)
  }

  /// Values that a settled chunk has no room for, kind by kind, and narrow ones over wide ones.
  @Test(arguments: [2, 3, 4] as [UInt64]) func widening(_ seed: UInt64) {
    var pair = Pair(seed: seed)
    pair.put(Array(0..<9000))
    pair.audience.settle()
    for spread in [1, 2, 0, 2, 1] {
      pair.rows.spread = spread
      for _ in 0..<5 { pair.put((0..<100).map { _ in Int.random(in: 0..<9000, using: &pair.rows.random) }) }
      pair.check()
      pair.audience.settle()
      pair.check()
    }
  }

  /// Everything at once, on a few chunks more than stand open at a time.
  @Test(arguments: [5, 6] as [UInt64]) func anyOrder(_ seed: UInt64) {
    var pair = Pair(seed: seed)
    for round in 0..<300 {
      pair.rows.spread = round / 100
      switch Int.random(in: 0..<10, using: &pair.rows.random) {
      case 0: pair.audience.settle()
      case 1...3:
        for slot in pair.said.keys.sorted().prefix(50) { pair.remove(slot) }
        pair.remove(1 << 40)
        pair.remove(-1)
      default:
        let chunk = Int.random(in: 0..<9, using: &pair.rows.random) * AudienceChunk.size
        pair.put((0..<60).map { _ in chunk + Int.random(in: 0..<300, using: &pair.rows.random) })
      }
    }
    pair.check()
    for slot in pair.said.keys.sorted() { pair.remove(slot) }
    pair.check()
    #expect(pair.audience.slotCount == 0)
  }

  /// A policy with other words reads the same audience.
  @Test func otherPolicy() throws {
    var pair = Pair(seed: 7)
    pair.rows.spread = 2
    pair.put(Array(0..<500))
    let fields = FieldTable(declared: AudienceRows.declared)
    let condition = try ConditionParser.parse(
      "s = '中文' OR r = 'w1'", in: ConditionScope(fields: fields, derivedAllowed: false))
    let other = Policy(SmallPolicy.definition(fields: fields, suppress: condition), bytes: [])
    let texts = AudienceTexts(audience: pair.audience, policy: other)
    texts.refresh()
    let row = CandidateRow(policy: other, keepingTexts: true)
    var named = 0
    for slot in 0..<500 {
      pair.audience.gather(slot, texts, into: row)
      for text in fields.textSlots where row.isPresent(text) {
        #expect(row.bits[text] == other.texts.id(of: row.keptText(text)))
        if row.bits[text] != TextTable.other { named += 1 }
      }
    }
    #expect(named > 10)
    #expect(pair.audience.matches(other.fields))
    #expect(!pair.audience.matches(FieldTable(declared: Array(AudienceRows.declared.dropLast()))))
  }

  /// Texts that came after the numbers were learned.
  @Test func refresh() {
    var pair = Pair(seed: 8)
    pair.put([0])
    let texts = AudienceTexts(audience: pair.audience, policy: Self.policy)
    texts.refresh()
    pair.rows.spread = 2
    pair.put(Array(1..<2000))
    texts.refresh()
    for slot in 1..<2000 {
      pair.audience.gather(slot, texts, into: pair.row)
      #expect(AudienceRows.said(pair.row) == pair.said[slot])
    }
  }

  @Test func shares() {
    let experiment = Self.policy.experiment
    let audience = Audience(fields: Self.policy.fields)
    let row = CandidateRow(policy: Self.policy, keepingTexts: true)
    let known = AudienceImages(fields: Self.policy.fields, experiment: experiment)
    let unknown = AudienceImages(fields: Self.policy.fields)
    func id(_ slot: Int) -> [UInt8] { Array("user \(slot)".utf8) }
    for slot in 0..<20_000 {
      row.reset()
      id(slot).withUnsafeBytes { row.identify($0) }
      known.append(row)
      unknown.append(row)
    }
    audience.useShares(of: experiment)
    for slot in 0..<20_000 { audience.put(slot, slot < 10_000 ? known : unknown, slot) }
    let texts = AudienceTexts(audience: audience, policy: Self.policy)
    texts.refresh()
    func share(_ slot: Int) -> Int32 {
      audience.gather(slot, texts, into: row)
      return row.share
    }
    func hashed(_ slot: Int) -> Int32 { id(slot).withUnsafeBytes { Int32(experiment.shares($0).share) } }
    #expect((0..<10_000).allSatisfy { share($0) == hashed($0) })
    #expect((10_000..<20_000).allSatisfy { share($0) == -1 })

    var definition = Self.policy.definition
    definition.experiment.salt = "other"
    let other = Policy(definition, bytes: [])
    audience.useShares(of: other.experiment)
    texts.refresh()
    #expect((0..<20_000).allSatisfy { share($0) == -1 })
  }
}
