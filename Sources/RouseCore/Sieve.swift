import Synchronization

/// Finds, while the users of a rank still come in, which of them can matter to its plan, so that the others need not be
/// kept. It stands only where `limit` is the one limit, and where nothing is asked of those who are not contacted.
///
/// What it leaves out changes nothing (model 9). Be W a user's greatest worth, L the limit.
/// - Explorers take their options first, in tie order, and each weighs the same: with L of them earlier in that order, one
///   takes nothing. A waitlisted explorer shows nowhere but in the count of the waitlist.
/// - What is left allows k <= L users. A user's choice at a price c is an option of worth W when W > c * 10^6, else none.
///   So the price is the least c >= 0 with at most k users of W > c * 10^6: it is `ceil(W' / 10^6)` of the (k+1)-th
///   greatest W', or 0 where there are no more than k users. Only the k + 1 greatest W have a part in it.
/// - The bound at c sums over users of W > c * 10^6, who are among the k greatest. It is compared with the bound at 0,
///   which sums over all; but it is the smaller one in any case: be n <= k the users of W > c * 10^6, m = k - n. The
///   bounds differ by at least the worths of the users n + 1 to k + 1 less m * c * 10^6. Without a hurdle every W is a
///   multiple of 10^6, so each of those m + 1 is c * 10^6 itself. With one, each is above (c - 1) * 10^6, and the
///   difference above (c - 1 - m) * 10^6: this is why a threshold must lie at (L + 1) * 10^6 or more then. A second round
///   finds the same c and stops.
/// - Those of W > c * 10^6 take their choice. All moves of the fill are to one's first option, at the same cost, so they
///   come by greater W, then tie order: all in all, the first k by W and tie order are contacted, if so many are worth it.
/// - Held-out users are shown with the channel they would have had: there is one where W > c * 10^6.
///
/// So a user with L + 1 users ahead by W and tie order, of those whose user_id came in no earlier line, may be left out,
/// and with him any held-out user of less worth than the last of them.
package final class Sieve: Sendable {
  /// Users beyond this are wanted by nobody: a copy that any thread may look at.
  package struct Mark: Sendable {
    /// Of the policy arm: the least worth, in 1e-12, and among those who have it the last in tie order.
    fileprivate(set) var worth = Int128.min
    fileprivate(set) var tie = UInt64.max
    /// Of explorers: the last in tie order.
    fileprivate(set) var explorerTie = UInt64.max

    /// Whether a user may be wanted, as far as can be said without the place in tie order; nil: that decides.
    package func wants(arm: Experiment.Arm, worth: Int128) -> Bool? {
      switch arm {
      case .policy: worth == self.worth ? nil : worth > self.worth
      case .explore: nil
      case .holdout: worth >= self.worth
      }
    }

    package func wants(arm: Experiment.Arm, worth: Int128, tie: UInt64) -> Bool {
      wants(arm: arm, worth: worth) ?? (tie <= (arm == .explore ? explorerTie : self.tie))
    }
  }

  /// Beyond it so many are kept that little is saved.
  private static let mostLimit: Int64 = 100_000

  package let limit: Int
  private let policy: Policy
  /// The least worth at which a threshold may lie.
  private let least: Int128

  private struct Place {
    let worth: Int128
    let tie: UInt64
  }

  private struct State {
    /// The best of the policy arm, and the first explorers, in no order.
    var best: [Place] = []
    var explorers: [UInt64] = []
    var mark = Mark()
  }
  private let state = Mutex(State())

  /// nil: a limit binds, or a question is asked, that others than the best matter to.
  package init?(policy: Policy, limits: PlanLimits) {
    guard let limit = limits.limit, limit >= 0, limit <= Self.mostLimit, !limits.tierFirst, limits.budget == nil,
      limits.capital == nil, limits.capacity.allSatisfy({ $0 == nil }), limits.quotas.allSatisfy({ $0 == nil })
    else { return nil }
    self.limit = Int(limit)
    self.policy = policy
    least = policy.hurdle == 0 ? .min : Int128(limit + 1) * Int128(Micros.one)
  }

  package var mark: Mark { state.withLock { $0.mark } }

  /// A user's greatest worth.
  package func worth(_ best: Option) -> Int128 { policy.worth(value: best.value, spend: best.spend) }

  /// Takes note of users who are of the rank for good, from an index on.
  package func note(_ users: PlanUsers, from start: Int) {
    state.withLock { state in
      for index in start..<users.count {
        let user = users.users[index]
        switch user.arm {
        case .policy:
          let place = Place(worth: worth(users.best(index)), tie: user.tie)
          if state.mark.wants(arm: .policy, worth: place.worth, tie: place.tie) { state.best.append(place) }
        case .explore:
          if user.tie <= state.mark.explorerTie { state.explorers.append(user.tie) }
        case .holdout: break
        }
      }
      if state.best.count > 2 * limit + 1000 || state.explorers.count > 2 * limit + 1000 { narrow(&state) }
    }
  }

  /// Finds the thresholds as they are now.
  package func narrow() -> Mark {
    state.withLock { state in
      narrow(&state)
      return state.mark
    }
  }

  private func narrow(_ state: inout State) {
    if state.best.count > limit + 1 {
      state.best.sort(by: Self.isBefore)
      state.best.removeLast(state.best.count - limit - 1)
    }
    if state.best.count == limit + 1, let last = state.best.max(by: Self.isBefore), last.worth >= least {
      state.mark.worth = last.worth
      state.mark.tie = last.tie
    }
    // Where nobody may be contacted one explorer is kept all the same: there is a mark then.
    let most = max(1, limit)
    if state.explorers.count > most {
      state.explorers.sort()
      state.explorers.removeLast(state.explorers.count - most)
    }
    if state.explorers.count == most { state.mark.explorerTie = state.explorers.max() ?? .max }
  }

  private static func isBefore(_ left: Place, _ right: Place) -> Bool {
    left.worth != right.worth ? left.worth > right.worth : left.tie < right.tie
  }
}
