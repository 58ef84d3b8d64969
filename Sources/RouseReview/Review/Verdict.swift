/// What can be said of a rate and what it is held against: as much as its interval allows.
enum Verdict: String {
  case met
  case below
  case notKnown = "not_known"

  /// Whether a rate reaches a target.
  init(_ rate: Rate, target: Double) {
    let interval = rate.interval
    self = rate.of == 0 ? .notKnown : interval.low >= target ? .met : interval.high < target ? .below : .notKnown
  }
}
