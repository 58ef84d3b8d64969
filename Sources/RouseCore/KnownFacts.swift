/// What is known of a user beside what the candidate carries: it comes from the ledger, and holds whatever moment a request
/// is for.
package struct KnownFacts: Sendable, Equatable {
  package var hasOptedOut = false
  package var hasComplained = false
  /// When the last lease of a committed plan on the user ends, in seconds since 1970; `Int64.min`: there is none.
  package var leasedUntil = Int64.min
  /// How many contacts came from the ledger alone.
  package internal(set) var contacts = 0

  package init() {}
}
