/// Until when a user rests (model 6). Asked for in a score's answer only: a rank shows no such moment.
extension Scoring {
  /// The latest of the ends of the reasons to rest.
  func findRestEnd(_ row: CandidateRow, _ glance: Glance, _ decision: inout Decision) {
    var until: Int64?
    for reason in decision.reasons {
      let end: Int64?
      switch ReasonCode(rawValue: Int(reason)) {
      case .c02: end = decision.lastContact.map { $0 + tables.pointee.gap }
      case .c03: end = recent(row, on: nil)[tables.pointee.cap30d - 1] + 30 * Moment.day
      case .c04:
        end = rungs(row, glance, decision).map { channel in
          recent(row, on: channel)[tables.pointee.channels[channel].cap30d - 1] + 30 * Moment.day
        }.min()
      case .c05: end = row.known.leasedUntil
      default: end = nil
      }
      if let end { until = max(end, until ?? end) }
    }
    decision.until = until
  }

  /// Channels that are open to the user, at their cap or not.
  private func rungs(_ row: CandidateRow, _ glance: Glance, _ decision: Decision) -> [Int] {
    let able = (0..<tables.pointee.channelCount).filter { holds(tables.pointee.channels[$0].needs, glance, row) }
    return tables.pointee.isBest ? able : Array(able.prefix(1 + decision.contacts30d))
  }

  /// Moments of the contacts of the last 30 days, on one channel or on any, the latest first.
  private func recent(_ row: CandidateRow, on channel: Int?) -> [Int64] {
    var moments: [Int64] = []
    for contact in row.contacts where now - contact.at < 30 * Moment.day {
      if channel == nil || contact.channel == channel { moments.append(contact.at) }
    }
    return moments.sorted(by: >)
  }
}
