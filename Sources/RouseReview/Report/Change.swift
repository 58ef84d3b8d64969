/// A figure under the old policy and under the new one.
struct Change {
  var old: Double?
  var new: Double?

  var difference: Double? {
    guard let old, let new, (new - old).isFinite else { return nil }
    return new - old
  }

  /// Of the old, signed; nothing where the old is none.
  var relative: String? {
    guard let difference, let old, old != 0, (difference / abs(old)).isFinite else { return nil }
    let share = difference / abs(old)
    return (share > 0 ? "+" : "") + Figures.percent(share)
  }

  /// "1,203.00 more (+3.2%)", "the same".
  func told(_ figure: (Double?) -> String, _ more: String = "more", _ less: String = "less") -> String {
    guard let difference else { return "not known" }
    if difference == 0 { return "the same" }
    return figure(abs(difference)) + " " + (difference > 0 ? more : less) + (relative.map { " (\($0))" } ?? "")
  }

  func signed(_ figure: (Double?) -> String) -> String {
    guard let difference else { return Figures.unknown }
    if difference == 0 { return "0" }
    return (difference > 0 ? "+" : "") + figure(difference)
  }
}
