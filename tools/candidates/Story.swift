/// How far somebody got. The names and their order are those of the cash-loan-recall policy.
enum Stage: Int, CaseIterable {
  case borrowing, declined, pending, settled, granted, lapsed, applying, clicked, visited, registered

  /// Lines in a thousand.
  var share: Int {
    switch self {
    case .borrowing: 45
    case .declined: 25
    case .pending: 20
    case .settled: 110
    case .granted: 130
    case .lapsed: 40
    case .applying: 140
    case .clicked: 120
    case .visited: 170
    case .registered: 200
    }
  }

  /// Days on the stage clock from which the policy calls them dormant.
  var dormant: Int {
    switch self {
    case .settled: 30
    case .granted: 7
    default: 3
    }
  }

  /// How much a lender knows by then: 0 a phone number, 1 a visit, 2 half an application, 3 a credit file.
  var known: Int {
    switch self {
    case .registered: 0
    case .visited, .clicked: 1
    case .applying, .pending, .declined: 2
    case .borrowing, .settled, .granted, .lapsed: 3
    }
  }

  /// Users in a thousand who still have the app.
  var app: Int {
    switch self {
    case .registered: 220
    case .visited: 420
    case .clicked, .lapsed: 520
    case .applying, .declined: 580
    case .pending, .granted: 680
    case .settled: 740
    case .borrowing: 930
    }
  }

  /// A thousand stages in which each has its share, to draw from.
  static let drawn: [Stage] = allCases.flatMap { Array(repeating: $0, count: $0.share) }
}

/// When what happened: a made-up life told backwards from the stage's clock, so that every step lies after the one it needs.
struct Story {
  static let never = Int.min

  var stage = Stage.registered
  var registered = never
  var login = never
  var seen = never
  var clicked = never
  var started = never
  var updated = never
  var submitted = never
  var declined = never
  var granted = never
  var expires = never
  var withdraw = never
  var disbursed = never
  var settled = never

  private static let hour = 3600
  private static let day = Calendar.day

  @inline(__always)
  init(_ stage: Stage, now: Int, _ random: inout Random) {
    self.stage = stage
    let asleep = Story.daysAsleep(stage, &random)
    let clock = now &- asleep &* Story.day &- random.below(Story.day)
    switch stage {
    case .registered: registered = clock
    case .visited:
      login = clock
      if random.chance(300) {
        seen = clock
        login = clock &- random.within(60, 20 &* Story.day)
      }
    case .clicked:
      clicked = clock
      login = clock &- random.within(20, 1800)
    case .applying: applied(until: clock, days: asleep, &random)
    case .pending:
      submitted = clock
      started = clock &- random.within(300, Story.day)
      openedBefore(started, &random)
    case .declined:
      declined = clock
      decided(clock, &random)
    case .granted:
      granted = clock
      if random.chance(100) {
        withdraw = clock
        granted = clock &- random.within(Story.hour, 5 &* Story.day)
      }
      let year = 365 &* Story.day
      expires = granted &+ (random.chance(500) ? 180 &* Story.day : year)
      if expires <= now { expires = granted &+ 3 &* year }
      decided(granted, &random)
    case .lapsed:
      expires = clock
      granted = clock &- 180 &* Story.day
      decided(granted, &random)
    case .settled:
      settled = clock
      disbursed = clock &- random.within(30, 360) &* Story.day
      granted = disbursed &- random.within(Story.hour, 30 &* Story.day)
      login = clock &- random.within(60, 1800)
    case .borrowing:
      disbursed = clock
      granted = disbursed &- random.within(Story.hour, 30 &* Story.day)
      login = disbursed &- random.within(60, Story.hour)
      if random.chance(250) {
        settled = disbursed &- random.within(Story.hour, 20 &* Story.day)
        granted = settled &- random.within(30, 360) &* Story.day
      }
    }
    if registered == Story.never {
      registered =
        earliest &- random.skewed(stage.known == 3 ? 500 : 300) &* Story.day &- random.within(30, 2 &* Story.hour)
      // Some look in again later and do nothing: silent for fewer days than they have been dormant.
      if stage != .visited, random.chance(150) { seen = clock &+ random.below(now &- clock &+ 1) }
    }
  }

  /// Days since the stage's clock: the recent ones are many, the last year and the one before it fewer.
  @inline(__always)
  private static func daysAsleep(_ stage: Stage, _ random: inout Random) -> Int {
    switch stage {
    case .borrowing: return random.below(300)
    case .declined: return random.below(90)
    case .pending: return random.below(14)
    default:
      let kind = random.below(1000)
      if kind < 60 { return random.below(stage.dormant) }
      if kind < 140 { return random.within(365, 730) }
      return stage.dormant &+ random.skewed(365 &- stage.dormant)
    }
  }

  /// Begun, perhaps gone on with, perhaps handed in or turned down so long ago that it counts as given up.
  @inline(__always)
  private mutating func applied(until clock: Int, days: Int, _ random: inout Random) {
    let end = random.below(100)
    if end < 5, days >= 90 {
      declined = clock
      decided(clock, &random)
    } else if end < 17, days >= 14 {
      submitted = clock
      started = clock &- random.within(300, Story.day)
      openedBefore(started, &random)
    } else {
      started = clock
      if end < 45 {
        updated = clock
        started = clock &- random.within(60, 3 &* Story.day)
      }
      openedBefore(started, &random)
    }
  }

  /// An application that was handed in before the decision.
  @inline(__always)
  private mutating func decided(_ moment: Int, _ random: inout Random) {
    submitted = moment &- random.within(60, 2 &* Story.day)
    started = submitted &- random.within(300, Story.day)
    openedBefore(started, &random)
  }

  /// A login, and mostly a click on "borrow", before an application.
  @inline(__always)
  private mutating func openedBefore(_ moment: Int, _ random: inout Random) {
    login = moment &- random.within(20, 1800)
    if random.chance(700) { clicked = login &+ (moment &- login) / 2 }
  }

  /// The first of the steps that can be the first: what must lie after the registration.
  @inline(__always)
  private var earliest: Int { min(Story.happened(login), min(Story.happened(granted), Story.happened(settled))) }

  /// For a minimum: a step that never was is later than all.
  @inline(__always)
  private static func happened(_ time: Int) -> Int { time == never ? Int.max : time }
}
