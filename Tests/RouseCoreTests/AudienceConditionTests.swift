import Foundation
import TestData
import Testing

@testable import RouseCore

/// A request's condition over the audience, by the vectors of all conditions: the policy names none of its texts.
@Suite struct AudienceConditionTests {
  private static let policy = Policy(
    SmallPolicy.definition(fields: ConditionVectorTests.fields, suppress: Condition(constant: false)), bytes: [])

  @Test(arguments: ConditionVectorTests.cases) func vector(_ vector: ConditionVectorTests.Case) throws {
    let condition: AudienceCondition
    do throws(ConditionError) {
      condition = try AudienceCondition(vector.condition, policy: Self.policy)
    } catch {
      // Derived names may stand in a request's condition, and not in the vectors'.
      #expect("\(error.kind.rawValue):\(error.column)" == vector.expected)
      return
    }
    if !["TRUE", "FALSE", "NULL"].contains(vector.expected) {
      #expect(vector.expected.hasPrefix("unknown_field"))
      return
    }
    let facts = try JSONSerialization.jsonObject(with: Data(vector.facts.utf8)) as? [String: Any] ?? [:]
    let audience = Audience(fields: Self.policy.fields)
    let row = CandidateRow(policy: Self.policy, keepingTexts: true)
    for (name, value) in facts {
      guard let slot = Self.policy.fields.slot(named: name) else { continue }
      switch Self.policy.fields.type(ofSlot: slot) {
      case .time: row.set(slot, time: (value as? NSNumber)?.int64Value ?? 0)
      case .number: row.set(slot, number: (value as? NSNumber)?.doubleValue ?? 0)
      case .boolean: row.set(slot, flag: (value as? NSNumber)?.boolValue ?? false)
      case .text:
        row.set(slot, text: TextTable.other)
        Array((value as? String ?? "").utf8).withUnsafeBytes { row.keep(slot, $0) }
      }
    }
    let images = AudienceImages(fields: Self.policy.fields)
    images.append(row)
    audience.put(3, images, 0)

    let read = CandidateRow(policy: Self.policy)
    let texts = AudienceTexts(audience: audience, policy: Self.policy)
    texts.refresh()
    audience.gather(3, texts, into: read)
    read.set(Self.policy.fields.nowSlot, time: 1_772_330_400)
    let before = (0..<read.slotCount).map { read.isPresent($0) ? read.bits[$0] : 0 }
    #expect(condition.holds(3, read, audience) == (vector.expected == "TRUE"))
    #expect((0..<read.slotCount).map { read.isPresent($0) ? read.bits[$0] : 0 } == before)
  }

  @Test func guardrailsHold() throws {
    var definition = Self.policy.definition
    definition.forbidden = ["s"]
    definition.proxies = ["p"]
    let policy = Policy(definition, bytes: [])
    #expect(throws: ConditionError.self) { try AudienceCondition("s = 'x'", policy: policy) }
    do throws(ConditionError) {
      _ = try AudienceCondition("a > 1 AND p", policy: policy)
      Issue.record("a proxy may not decide")
    } catch {
      #expect(error.kind == .proxy)
      #expect(error.column == 11)
    }
  }

  @Test func everyone() throws {
    #expect(try AudienceCondition("TRUE", policy: Self.policy).isAlwaysTrue)
    #expect(try AudienceCondition(" true ", policy: Self.policy).isAlwaysTrue)
    #expect(!(try AudienceCondition("p", policy: Self.policy).isAlwaysTrue))
    #expect(!(try AudienceCondition("FALSE", policy: Self.policy).isAlwaysTrue))
  }
}
