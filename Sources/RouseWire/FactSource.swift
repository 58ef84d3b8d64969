import RouseCore

/// Where a worker learns what is known of a user beside what the candidate carries.
package protocol FactSource: AnyObject {
  /// Tells a row that has been read, and not been scored, by `CandidateRow.know`.
  func tell(_ row: CandidateRow)
}
