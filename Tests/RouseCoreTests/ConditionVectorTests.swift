import Foundation
import TestData
import Testing

@testable import RouseCore

/// `conditions.tsv`: a condition and facts, then TRUE, FALSE, NULL or kind:column.
@Suite struct ConditionVectorTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let line: Int
    let condition: String
    let facts: String
    let expected: String
    var testDescription: String { "line \(line): \(condition)" }
  }

  static let cases: [Case] = {
    guard let data = try? Vectors.bytes("conditions.tsv") else { return [] }
    return data.split(separator: 0x0A).enumerated().compactMap { index, bytes in
      let cells = bytes.split(separator: 0x09, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      guard cells.count == 3, bytes.first == 0x22,
        let text = try? JSONDecoder().decode(String.self, from: Data(cells[0].utf8))
      else { return nil }
      return Case(line: index + 1, condition: text, facts: cells[1], expected: cells[2])
    }
  }()

  static let fields = FieldTable(declared: [
    Field(name: "a", kind: .numbers), Field(name: "b", kind: .numbers), Field(name: "c", kind: .numbers),
    Field(name: "p", kind: .flags), Field(name: "q", kind: .flags), Field(name: "r", kind: .flags),
    Field(name: "s", kind: .texts), Field(name: "device.os", kind: .texts), Field(name: "_x", kind: .texts),
    Field(name: "t", kind: .timesAhead), Field(name: "u", kind: .timesAhead), Field(name: "v", kind: .timesAhead),
  ])

  @Test func thereAreCases() { #expect(Self.cases.count >= 193) }

  @Test(arguments: cases) func vector(_ vector: Case) throws {
    let answer: String
    do throws(ConditionError) {
      let condition = try ConditionParser.parse(
        vector.condition, in: ConditionScope(fields: Self.fields, derivedAllowed: false))
      answer = Self.truth(condition, Self.object(vector.facts) ?? [:]).name
    } catch {
      answer = "\(error.kind.rawValue):\(error.column)"
    }
    #expect(answer == vector.expected)
  }

  private static func object(_ json: String) -> [String: Any]? {
    try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
  }

  /// Through a policy whose only rule is the condition: as the product evaluates it.
  static func truth(_ condition: Condition, _ facts: [String: Any]) -> Truth {
    let policy = Policy(SmallPolicy.definition(fields: fields, suppress: condition), bytes: [])
    let row = CandidateRow(policy: policy)
    for (name, value) in facts {
      guard let slot = fields.slot(named: name) else { continue }
      switch fields.type(ofSlot: slot) {
      case .time: row.set(slot, time: (value as? NSNumber)?.int64Value ?? 0)
      case .number: row.set(slot, number: (value as? NSNumber)?.doubleValue ?? 0)
      case .boolean: row.set(slot, flag: (value as? NSNumber)?.boolValue ?? false)
      case .text:
        let text = value as? String ?? ""
        row.set(slot, text: policy.texts.id(of: text))
        if row.keepsTexts { Array(text.utf8).withUnsafeBytes { row.keep(slot, $0) } }
      }
    }
    row.set(fields.nowSlot, time: 1_772_330_400)
    return policy.conditions.truth(policy.suppress[0].when, row)
  }

  /// A chain as long as a file allows is one node, not a tree as deep as it is long.
  @Test func longChains() throws {
    let scope = ConditionScope(fields: Self.fields, derivedAllowed: false)
    let text = Array(repeating: "p", count: 200_000).joined(separator: " AND ")
    let condition = try ConditionParser.parse(text, in: scope)
    #expect(Self.truth(condition, ["p": true]) == .yes)
    #expect(Self.truth(condition, ["p": false]) == .no)
    #expect(Self.truth(condition, [:]) == .null)
  }

  @Test func nestingHasAnEnd() throws {
    let scope = ConditionScope(fields: Self.fields, derivedAllowed: false)
    for (open, close) in [("(", ")"), ("NOT ", "")] {
      let fits = String(repeating: open, count: 64) + "p" + String(repeating: close, count: 64)
      _ = try ConditionParser.parse(fits, in: scope)
      let over = String(repeating: open, count: 65) + "p" + String(repeating: close, count: 65)
      #expect(throws: ConditionError.self) { try ConditionParser.parse(over, in: scope) }
      let far = String(repeating: open, count: 100_000) + "p"
      do throws(ConditionError) {
        _ = try ConditionParser.parse(far, in: scope)
      } catch {
        #expect(error.column == 64 * open.count + 1)
      }
    }
  }
}

/// A policy of one stage and one rule.
enum SmallPolicy {
  static func definition(fields: FieldTable, suppress: Condition) -> PolicyDefinition {
    PolicyDefinition(
      name: "small", fields: fields, clockSkew: 0, stages: [], tiers: [],
      suppress: [RuleDefinition(code: "S01", when: suppress, say: nil)], knockout: [],
      risk: RiskDefinition(baseScore: 0, baseOdds: 1, cutoff: 0, reasons: 1, underwriting: nil, thin: nil, card: []),
      response: ResponseDefinition(halfLife: 30, floor: -80, steps: [], card: []),
      money: MoneyDefinition(
        margin: 0, lossGivenDefault: 0, useOfLimit: 1, maxLoan: 1, relationship: 0, hurdle: 0),
      contact: ContactDefinition(ladder: .best, gapDays: 0, cap30d: 1, hours: Window(start: 0, end: 1440)),
      channels: [],
      experiment: ExperimentDefinition(salt: "s", holdout: 0, explore: 0),
      plan: PlanDefinition(budget: nil, capital: nil, capacity: [], quotas: [], tierFirst: false),
      regions: RegionDefinition(groups: [], notServed: [], utcOffset: 0, utcOffsets: []),
      review: ReviewDefinition(targets: [], psi: [], parity: nil, windowDays: nil))
  }
}
