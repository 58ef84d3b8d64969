/// How much of the two contact lists is the same, by how far down one looks.
struct ListOverlap: Equatable {
  /// How many of each list's first.
  let count: Int
  /// Of those, candidates that are on both.
  let both: Int

  static let looks = [100, 1000, 10_000]

  /// - Parameters:
  ///   - ranks: of the candidates that are on both lists, from 1.
  ///   - old: the list's length.
  /// - Returns: for each look that both lists are long enough for, and for the longer list as a whole.
  static func all(_ ranks: [(old: Int, new: Int)], old: Int, new: Int) -> [ListOverlap] {
    let longer = max(old, new)
    let counts = looks.filter { $0 < longer && $0 <= min(old, new) } + [longer]
    return counts.map { count in
      ListOverlap(count: count, both: ranks.count { max($0.old, $0.new) <= count })
    }
  }
}
