/// Rows that a fit is tried on and never sees.
package struct TrainingSplit: Sendable {
  package var training: TrainingSet
  package var later: TrainingSet
  /// The moment from which rows are tried on; nil: there were no times, and the rows' hashes decided.
  package var since: Int64?

  /// - Parameter share: of the rows to try on, between 0 and 1.
  package init(_ set: TrainingSet, share: Double) {
    let times = set.rows.compactMap(\.label.at).sorted()
    if times.count == set.count, let first = times.first, let last = times.last, first < last {
      let index = min(times.count - 1, max(0, Int((Double(times.count) * (1 - share)).rounded(.down))))
      // Rows of one moment stay together, and something is left on either side.
      var since = times[index]
      if since == first { since = times.first { $0 > first } ?? last }
      training = set.selected { (set.rows[$0].label.at ?? 0) < since }
      later = set.selected { (set.rows[$0].label.at ?? 0) >= since }
      self.since = since
    } else {
      let limit = UInt64((share * 10_000).rounded())
      training = set.selected { set.rows[$0].label.hash % 10_000 >= limit }
      later = set.selected { set.rows[$0].label.hash % 10_000 < limit }
    }
  }
}
