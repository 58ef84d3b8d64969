import RouseCore
import TestData

/// Candidates of `valid-until/policy.yaml`, with times close to the days at which something turns.
enum RandomCandidate {
  private static let rules = [
    "young", "turning", "ahead", "only", "in", "second", "pair", "field", "between", "count", "moving", "late",
    "always", "same", "after", "old", "fewer", "off", "stays", "any",
  ]
  private static let days: [Int64] = [0, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 14, 20, 21, 25, 30, 31, 35, 60, 90, 400]

  /// - Parameter within: how many seconds after `now` the days begin at which something may step.
  static func line(at now: Int64, within: Int64 = Moment.day, using random: inout SplitMix) -> String {
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
    func past() -> Int64 {
      now - pick(days) * Moment.day + pick([0, 1, -1, Int64.random(in: 0..<within, using: &random)])
    }
    func ahead() -> Int64 {
      now + pick([0, 1, 299, 300, 301, Int64.random(in: 0..<2 * within, using: &random), 5 * 86_400])
    }

    var members = ["\"user_id\":\"u\(Int.random(in: 0..<1000, using: &random))\"", "\"seg\":\"\(pick(rules))\""]
    let common = past()
    for name in ["t", "u"] where chance(80) {
      let time = chance(15) ? ahead() : chance(50) ? common + pick([0, 1, -60, 60, 3000, -3000, 86_399]) : past()
      members.append("\"\(name)\":\(time)")
    }
    if chance(40) { members.append("\"f\":\(chance(70) ? ahead() : past())") }
    if chance(60) { members.append("\"n\":\(pick(["1", "3", "2.5", "5", "11", "30", "-2", "1e300", "500"]))") }
    if chance(60) { members.append("\"lim\":\(pick(["0", "2", "4.5", "9", "21", "36", "400", "1000"]))") }
    for name in ["a", "b", "c"] { members.append("\"\(name)\":\(chance(65))") }
    if chance(20) { members.append("\"stop\":true") }
    if chance(60) {
      let contacts = (0..<pick([1, 1, 2, 3, 5, 7])).map { _ in
        let at =
          chance(20)
          ? ahead()
          : now - pick([1, 2, 3, 24, 25, 29, 30]) * Moment.day
            + pick([0, 1, -1, Int64.random(in: 0..<within, using: &random)])
        return "{\"at\":\(at),\"channel\":\"\(pick(["x", "y", "z", "q"]))\"}"
      }
      members.append("\"contacts\":[\(contacts.joined(separator: ","))]")
    }
    return "{\(members.joined(separator: ","))}"
  }
}
