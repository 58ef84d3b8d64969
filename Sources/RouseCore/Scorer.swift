/// The one entry of the model: a candidate and a moment become a decision (model 2.2 to 8). Pure: one scorer may serve
/// any number of threads, each with its own row and decision.
package final class Scorer: Sendable {
  package let policy: Policy
  /// Seconds since 1970.
  package let now: Int64
  /// Seconds since 1970, by channel and offset: when a contact would be sent.
  private let sendTimes: [Int64]
  let scoring: Scoring

  /// - Parameter now: within `Moment.first...Moment.last`.
  package init(policy: Policy, now: Int64) {
    self.policy = policy
    self.now = now
    scoring = Scoring(policy.scoring, now: now)
    sendTimes = policy.channels.flatMap { channel in
      policy.region.offsets.map { sendTime(channel, now: now, offsetMinutes: $0) }
    }
  }

  /// RFC 3339 in the user's local time.
  package func sendAt(channel: Int, offset: Int) -> String {
    let offsets = policy.region.offsets
    return Moment.format(sendTimes[channel * offsets.count + offset], offsetMinutes: offsets[offset])
  }

  /// Whether a row that has been scored falls under a quota of the policy.
  package func isUnder(quota: Int, _ row: CandidateRow) -> Bool {
    policy.conditions.holds(policy.quotas[quota].when, row)
  }

  package var offsetCount: Int { policy.region.offsets.count }

  /// Decides on the row, whose times are clamped to now on the way.
  /// - Parameter wantsAll: why a user is declined, and until when one rests; a rank that shows its contacts alone needs
  ///   neither.
  package func score(_ row: CandidateRow, wantsAll: Bool = true, into decision: inout Decision) {
    scoring.score(row, wantsAll: wantsAll, into: &decision)
  }
}

/// The earliest moment from now on whose local time lies in one of the channel's windows.
private func sendTime(_ channel: Policy.Channel, now: Int64, offsetMinutes: Int) -> Int64 {
  let local = now + Int64(offsetMinutes) * 60
  let midnight = floorDivide(local, Moment.day) * Moment.day
  let second = local - midnight
  var earliest = Int64.max
  for window in channel.windows {
    let start = second < window.start ? window.start : second < window.end ? second : window.start + Moment.day
    earliest = min(earliest, midnight + start)
  }
  return earliest == .max ? now : earliest - Int64(offsetMinutes) * 60
}
