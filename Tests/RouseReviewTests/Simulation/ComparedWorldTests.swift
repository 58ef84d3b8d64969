import Foundation
import RouseCore
import RouseReview
import RouseWire
import TestData
import Testing

/// What a comparison foretells of another policy, against what the world then shows where the policies' model is right: how
/// many contacts a plan has, what they cost, how many borrow and what that brings.
@Suite struct ComparedWorldTests {
  private struct Seen {
    var users = 0
    var contacts = 0.0
    var value = 0.0
    var spend = 0.0
    var outcomes = 0.0
    /// Of the value, a user.
    var squares = 0.0
  }

  private static func foretold(_ world: SimulatedWorld, _ new: Policy, users: Int) throws -> (old: Seen, new: Seen) {
    var random = SplitMix(state: 31)
    let comparison = Comparison(
      old: ComparedPolicy(world.belief, now: SimulatedWorld.start), new: ComparedPolicy(new, now: SimulatedWorld.start))
    let worker = ComparisonWorker(
      old: comparison.old.worker(longestLine: 1 << 16), new: comparison.new.worker(longestLine: 1 << 16),
      longestLine: 1 << 16)
    let lines = (0..<users).map { number in
      "{\"user_id\":\"f\(number)\"" + SimulatedUser.facts(at: SimulatedWorld.start, hasDrifted: false, &random) + "\n"
    }
    let part = comparison.part()
    #expect(worker.compare(Array(lines.joined().utf8).withUnsafeBytes { Block($0) }, into: part))
    comparison.add(part)
    let result = try #require(comparison.finish())
    let answer = try #require(JSONValue(result.json()))
    func seen(_ side: String) -> Seen {
      let totals = answer["totals"]?[side]
      var seen = Seen(users: users)
      seen.contacts = totals?["contacts"]?.number ?? .nan
      seen.value = totals?["value"]?.number ?? .nan
      seen.spend = totals?["spend"]?.number ?? .nan
      return seen
    }
    return (seen("old"), seen("new"))
  }

  /// Weeks of a world that runs by a policy whose model is so. Explorers are left out: they follow no policy.
  private static func shown(_ policy: Policy, users: Int, seed: UInt64) throws -> Seen {
    var world = SimulatedWorld(believing: policy, [], truth: policy)
    world.weeks = 1
    world.usersAWeek = users
    let ledger = SimulatedLedger(world, seed: seed)
    var seen = Seen(users: users)
    let money = policy.definition.money
    for entry in ledger.entries where entry.row.rank > 0 {
      seen.contacts += 1
      let spent = Double(entry.row.spend) / 1e6
      let share = policy.definition.stages.first { $0.name == entry.row.stage }?.recall?.incremental ?? 1
      var value =
        -spent - (policy.definition.channels.first { $0.name == entry.row.channel }?.quit ?? 0) * money.relationship
      if entry.hasBorrowed {
        seen.outcomes += 1
        value += share * entry.amount * (entry.hasDefaulted ? -money.lossGivenDefault : money.margin)
      }
      seen.value += value
      seen.spend += spent
      seen.squares += value * value
    }
    return seen
  }

  @Test func changes() throws {
    // Fewer by risk, another channel by cost: the model of who borrows is the same.
    let changes = ["cutoff: 500 → cutoff: 590", "sms_ok, cost: 0.5 → sms_ok, cost: 12"]
    let world = try SimulatedWorld()
    let new = try SimulatedWorld.policy(SimulatedWorld.text, changes).policy
    let users = 3000
    let foretold = try Self.foretold(world, new, users: users)
    let before = try Self.shown(world.belief, users: users, seed: 77)
    let after = try Self.shown(new, users: users, seed: 78)
    for (name, wanted, seen) in [("old", foretold.old, before), ("new", foretold.new, after)] {
      let share = seen.contacts / Double(users)
      let contactError = 3.29 * (2 * Double(users) * share * (1 - share)).squareRoot()
      let valueError = 3.29 * (2 * seen.squares).squareRoot()
      Simulations.tell(
        "compare, \(name): \(wanted.contacts) contacts foretold, \(seen.contacts) made; value \(wanted.value), \(seen.value) "
          + "± \(valueError)")
      #expect(abs(wanted.contacts - seen.contacts) < contactError)
      #expect(abs(wanted.value - seen.value) < valueError)
      #expect(abs(wanted.spend - seen.spend) < 0.1 * seen.spend)
    }
    // And the change itself, which is larger than chance.
    let change = (foretold: foretold.new.value - foretold.old.value, shown: after.value - before.value)
    let error = 3.29 * (2 * (before.squares + after.squares)).squareRoot()
    Simulations.tell("compare, change of value: \(change.foretold) foretold, \(change.shown) ± \(error)")
    #expect(abs(change.foretold - change.shown) < error && foretold.new.contacts < 0.9 * foretold.old.contacts)
  }
}
