import Foundation
import RouseReview
import RouseWire
import TestData
import Testing

/// The statistics against an independent implementation's answers: `proto-spec/vectors/review`.
struct StatisticsVectorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var line: Int
    var function: String
    var arguments: [JSONValue]
    var answer: JSONValue
    var testDescription: String { "\(line): \(function)" }
  }

  static let all: [Case] = {
    guard let text = try? String(contentsOf: Vectors.folder.appending(path: "review/cases.ndjson"), encoding: .utf8)
    else { return [] }
    return text.split(separator: "\n").enumerated().compactMap { index, line in
      guard let value = JSONValue(Array(line.utf8)), let answer = value["answer"] else { return nil }
      return Case(
        line: index + 1, function: value["fn"]?.text ?? "", arguments: value["args"]?.items ?? [], answer: answer)
    }
  }()

  @Test func thereAreCases() { #expect(Self.all.count == 120) }

  @Test(arguments: all) func isAnswered(_ one: Case) throws {
    let arguments = one.arguments
    func whole(_ index: Int) -> Int { arguments[index].whole ?? -1 }
    switch one.function {
    case "wilson":
      let interval = Interval.wilson(whole(0), of: whole(1))
      same(interval.low, one.answer.items[0])
      same(interval.high, one.answer.items[1])
    case "lift":
      let lift = try #require(Lift(chosen: Rate(whole(0), of: whole(1)), heldOut: Rate(whole(2), of: whole(3))))
      same(lift.lift, one.answer["lift"])
      same(lift.interval.low, one.answer["low"])
      same(lift.interval.high, one.answer["high"])
      same(lift.incremental, one.answer["incremental"])
      same(lift.extra, one.answer["extra"])
    case "psi":
      let counts = arguments.map { $0.items.map { $0.whole ?? -1 } }
      let stability = try #require(Stability(expected: counts[0], actual: counts[1]))
      same(stability.psi, one.answer["psi"])
      same(stability.noise, one.answer["noise"])
    case "auc_ks", "lift_at":
      let scores = arguments[0].items.map { $0.number ?? .nan }
      let outcomes = arguments[1].items.map { $0.boolean ?? false }
      if one.function == "lift_at" {
        let share = arguments[2].number ?? .nan
        same(Discrimination.lift(at: share, scores: scores, outcomes: outcomes), one.answer)
      } else {
        let found = Discrimination(scores: scores, outcomes: outcomes)
        same(found?.auc, one.answer["auc"])
        same(found?.ks, one.answer["ks"])
      }
    case "shrink":
      let (rate, weight) = (arguments[0].number ?? .nan, arguments[1].number ?? .nan)
      same(shrunk(rate, weight: weight, to: Rate(whole(2), of: whole(3))), one.answer)
    case "calibration":
      for (band, answer) in zip(arguments[0].items, one.answer.items) {
        let made = try #require(
          CalibrationBand(
            sum: band.items[0].number ?? .nan, outcomes: band.items[1].whole ?? -1, of: band.items[2].whole ?? -1))
        same(made.expected, answer["expected"])
        same(made.observed.share, answer["observed"])
        same(made.observed.interval.low, answer["low"])
        same(made.observed.interval.high, answer["high"])
        #expect(made.isSound == answer["ok"]?.boolean)
        #expect(made.shift == answer["shift"]?.whole)
      }
    case "replay":
      let trials = arguments[0].items.map {
        OffPolicy.Trial(
          isRepeated: $0.items[0].boolean ?? false, propensity: $0.items[1].number ?? 0,
          value: $0.items[2].number ?? .nan)
      }
      let found = try #require(OffPolicy(trials))
      same(found.ips, one.answer["ips"])
      same(found.snips, one.answer["snips"])
      same(found.effective, one.answer["effective"])
    case "parity":
      let members = arguments[0].members
      let shares = parity(members.map { Rate($0.value.items[0].whole ?? -1, of: $0.value.items[1].whole ?? -1) })
      for (member, share) in zip(members, shares) { same(share, one.answer[member.name]) }
    default: Issue.record("no such function: \(one.function)")
    }
  }

  private func same(_ value: Double?, _ answer: JSONValue?) {
    guard let answer, !answer.isNull else {
      #expect(value == nil)
      return
    }
    let expected = answer.number ?? .nan
    #expect(abs((value ?? .nan) - expected) <= 1e-9 * max(1, abs(expected)))
  }
}
