import RouseCore

/// The rows of the plans that a review looks at, as columns: those made in its period, and those before it whose leases
/// reach into it.
struct PlannedRows {
  struct Row: BitwiseCopyable {
    var user: Int
    var made: Int64
    var leasedUntil: Int64
    var value: Int64
    var spend: Int64
    var capital: Int64
    /// Micros.
    var p: Int32
    var pd: Int32
    /// 0: a ghost.
    var rank: Int32
    /// Numbers in the tables of names.
    var plan: Int32
    var channel: Int32
    var stage: Int32
    var tier: Int32
    var region: Int32
    var campaign: Int32
    var arm: Int32
    /// A contact of it has been reported.
    var isReported = false
    /// The user has borrowed within the window from when the plan was made.
    var hasBorrowed = false
  }

  private(set) var rows: [Row] = []
  /// Indices of `rows`, by user and then by when the plan was made.
  private(set) var byUser: [Int32] = []
  private(set) var plans = 0
  /// When the plans were made that were read; nil: none could be.
  private(set) var span: Range<Int64>?

  mutating func read(
    _ source: some ReviewSource, _ question: ReviewQuestion, _ names: inout ReviewNames
  ) throws(ReviewError) {
    let earliest = try source.firstMade(leasedBeyond: question.period.lowerBound) ?? question.period.lowerBound
    let until = min(question.period.upperBound, question.now.adding(1))
    guard earliest < until else { return }
    var rows: [Row] = []
    var lastPlan = 0
    var plan: Int32 = -1
    var made: Set<Int> = []
    var isAbandoned = false
    var isTooMuch = false
    let period = question.period
    let span = min(earliest, period.lowerBound)..<until
    self.span = span
    try source.eachRow(madeIn: span, withTexts: false) { row, _ in
      if rows.count & 0xFFF == 0, question.isAbandoned() {
        isAbandoned = true
        return false
      }
      // Twice, for a list that grows is copied; and its place in the order.
      guard question.hasRoom(rows.count, each: 2 * MemoryLayout<Row>.stride + 8) else {
        isTooMuch = true
        return false
      }
      if plan < 0 || row.plan != lastPlan {
        lastPlan = row.plan
        plan = names.plans.number("P\(row.plan)")
        if period.contains(row.made) { made.insert(row.plan) }
      }
      rows.append(
        Row(
          user: row.user, made: row.made, leasedUntil: row.leasedUntil ?? .max, value: row.value, spend: row.spend,
          capital: row.capital, p: Int32(clamping: row.p), pd: Int32(clamping: row.pd),
          rank: Int32(clamping: row.rank), plan: plan, channel: names.channels.number(row.channel),
          stage: names.stages.number(row.stage), tier: names.tiers.number(row.tier),
          region: names.regions.number(row.regionGroup), campaign: names.campaigns.number(row.campaign),
          arm: names.arms.number(row.arm)))
      return rows.count < Int(Int32.max)
    }
    if isAbandoned { try question.refuseIfAbandoned() }
    if isTooMuch { throw ReviewQuestion.tooMuch }
    plans = made.count
    self.rows = rows
    byUser = rows.indices.map { Int32(truncatingIfNeeded: $0) }
    byUser.sort { a, b in
      let (a, b) = (Int(a), Int(b))
      if rows[a].user != rows[b].user { return rows[a].user < rows[b].user }
      return rows[a].made != rows[b].made ? rows[a].made < rows[b].made : a < b
    }
  }

  /// The part of `byUser` that is a user's.
  func places(of user: Int) -> Range<Int> {
    let start = byUser.partitioningIndex { rows[Int($0)].user >= user }
    var end = start
    while end < byUser.count, rows[Int(byUser[end])].user == user { end += 1 }
    return start..<end
  }

  /// The row by which a contact was made: that of the plan which its event names; else of the latest plan made before, whose
  /// lease covers it.
  func row(of user: Int, plan: Int32, at: Int64) -> Int32? {
    var latest: Int32?
    for place in places(of: user) {
      let index = byUser[place]
      let row = rows[Int(index)]
      guard row.rank > 0 else { continue }
      if plan >= 0, row.plan == plan { return index }
      if row.made <= at, at <= row.leasedUntil { latest = index }
    }
    return latest
  }

  mutating func noteReported(_ row: Int) { rows[row].isReported = true }

  /// Notes that a user borrowed, on every row whose window it falls into.
  mutating func noteBorrowed(_ user: Int, at: Int64, window: Int64) {
    for place in places(of: user) {
      let index = Int(byUser[place])
      if rows[index].made <= at, at - rows[index].made < window { rows[index].hasBorrowed = true }
    }
  }
}

/// The tables of names that a review's columns refer to.
struct ReviewNames {
  var plans = NameTable()
  var channels = NameTable()
  var stages = NameTable()
  var tiers = NameTable()
  var regions = NameTable()
  var campaigns = NameTable()
  var arms = NameTable()
}

extension Array {
  /// The first index from which on the predicate holds; it must hold for all after one for which it does.
  func partitioningIndex(_ isInSecondPart: (Element) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if isInSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
