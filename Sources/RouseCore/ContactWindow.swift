/// The contacts of one candidate as time goes by: which of them are usable, and which are recent (model 2.3). It moves
/// forward only, and a move costs what it passes, not what there is.
struct ContactWindow {
  private let skew: Int64
  private let channels: Int
  /// Usable contacts and those to come, in order of time.
  private var contacts: [CandidateRow.Contact] = []
  private var now = Int64.min
  /// The first that is not usable yet, and the first that is recent.
  private var firstAhead = 0
  private var firstRecent = 0
  private var recentOn: [Int] = []

  init(policy: Policy) {
    skew = policy.definition.clockSkew
    channels = policy.channels.count
  }

  /// - Parameter all: in any order.
  mutating func start(_ all: some Collection<CandidateRow.Contact>, at moment: Int64) {
    contacts.removeAll(keepingCapacity: true)
    recentOn.removeAll(keepingCapacity: true)
    (firstAhead, firstRecent, now) = (0, 0, moment)
    if all.isEmpty { return }
    contacts.append(contentsOf: all)
    contacts.sort { $0.at < $1.at }
    recentOn.append(contentsOf: repeatElement(0, count: channels))
    advance(to: moment)
  }

  mutating func advance(to moment: Int64) {
    now = moment
    while firstAhead < contacts.count, contacts[firstAhead].at <= moment + skew {
      note(contacts[firstAhead].channel, 1)
      firstAhead += 1
    }
    while firstRecent < firstAhead, contacts[firstRecent].at <= moment - 30 * Moment.day {
      note(contacts[firstRecent].channel, -1)
      firstRecent += 1
    }
  }

  private mutating func note(_ channel: Int, _ change: Int) {
    if channel >= 0 { recentOn[channel] += change }
  }

  func count(into decision: inout Decision) {
    if firstAhead > 0 { decision.lastContact = min(contacts[firstAhead - 1].at, now) }
    decision.contacts30d = firstAhead - firstRecent
    if decision.contacts30d > 0 { decision.lists.recentOn.update(from: recentOn, count: recentOn.count) }
  }

  /// When a contact becomes usable, or the latest one is over, or one is recent no more.
  func eachTurn(_ take: (Int64) -> Void) {
    if firstAhead < contacts.count { take(contacts[firstAhead].at - skew) }
    if firstAhead > 0 { take(contacts[firstAhead - 1].at + 1) }
    if firstRecent < firstAhead { take(contacts[firstRecent].at + 30 * Moment.day) }
  }
}
