/// What the lines are to be like.
struct Wanted {
  var now: Int
  var seed: UInt64
  var clean: Bool
  var benchmark: Bool
}

/// Writes made-up borrowers for the cash-loan-recall policy, one a line. Line `index` depends on the seed, the moment and the index only.
struct Borrowers {
  let wanted: Wanted
  private let stages = Stage.drawn
  /// Codes of the regions that the policy serves, those with many people more than once; the last three are in none of its groups.
  private let places = [
    11, 11, 31, 31, 32, 32, 33, 33, 44, 44, 44, 12, 37, 37, 42, 42, 51, 51, 65, 14, 14, 15, 23, 50, 61,
  ]

  init(_ wanted: Wanted) { self.wanted = wanted }

  @inline(__always)
  func write(_ index: Int, to out: inout Output) throws {
    try out.makeRoom()
    var random = Random(seed: wanted.seed, index: index)
    let flaw = random.below(10_000)
    if wanted.benchmark {
      oneShape(index, &random, &out)
    } else if wanted.clean || flaw >= Flaw.all {
      full(index, odd: nil, &random, &out)
    } else {
      flawed(index, flaw, &random, &out)
    }
    out.put(byte: UInt8(ascii: "\n"))
  }

  // MARK: - A whole person

  /// `odd`: which of its values is of the wrong kind, if one is.
  @inline(__always)
  private func full(_ index: Int, odd: Int?, _ random: inout Random, _ out: inout Output) {
    out.put("{\"user_id\":\"")
    putName(index, &out)
    out.put("\"")
    rest(odd: odd, &random, &out)
  }

  /// All but the opening brace and the id, which a flawed line has otherwise or not at all.
  @inline(__always)
  private func rest(odd: Int?, _ random: inout Random, _ out: inout Output) {
    let story = Story(stages[random.below(1000)], now: wanted.now, &random)
    times(story, odd: odd, &random, &out)
    credit(story, &random, &out)
    let reach = reach(story, odd: odd, &random, &out)
    person(story, odd: odd, &random, &out)
    device(story, &random, &out)
    rules(story, &random, &out)
    if reach != 0, random.chance(450) { contacts(reach, since: story, &random, &out) }
    out.put("}")
  }

  @inline(__always)
  private func putName(_ index: Int, _ out: inout Output) {
    out.put("u")
    let number = index &+ 1
    if number < 100_000_000 { out.put(number, digits: 8) } else { out.put(number) }
  }

  @inline(__always)
  private func times(_ story: Story, odd: Int?, _ random: inout Random, _ out: inout Output) {
    @inline(__always)
    func put(_ key: StaticString, _ time: Int) {
      if time != Story.never { out.put(key, time: time) }
    }
    put(",\"registered_at\":", story.registered)
    put(",\"last_login_at\":", story.login)
    switch odd {
    case 0: out.put(",\"last_seen_at\":\"2025-02-30T25:00:00Z\"")
    case 1: out.put(",\"last_seen_at\":", time: wanted.now &+ random.within(1, 60) &* Calendar.day)
    default: put(",\"last_seen_at\":", story.seen)
    }
    put(",\"borrow_clicked_at\":", story.clicked)
    put(",\"application_started_at\":", story.started)
    put(",\"application_updated_at\":", story.updated)
    put(",\"application_submitted_at\":", story.submitted)
    put(",\"declined_at\":", story.declined)
    put(",\"credit_granted_at\":", story.granted)
    put(",\"credit_expires_at\":", story.expires)
    put(",\"withdraw_requested_at\":", story.withdraw)
    put(",\"loan_disbursed_at\":", story.disbursed)
    put(",\"loan_settled_at\":", story.settled)
  }

  @inline(__always)
  private func credit(_ story: Story, _ random: inout Random, _ out: inout Output) {
    guard story.stage.known == 3 else { return }
    out.put(",\"credit_limit\":", limit(&random))
    if story.stage == .borrowing {
      out.put(",\"open_loans\":", random.chance(850) ? 1 : 2)
    } else if story.stage == .settled {
      out.put(",\"open_loans\":0")
    }
    if story.settled != Story.never {
      out.put(",\"loans_settled\":", 1 &+ random.skewed(6))
      let late = random.below(1000)
      out.put(",\"max_dpd\":")
      out.put(
        late < 780
          ? 0 : late < 900 ? random.within(1, 7) : late < 980 ? random.within(8, 30) : random.within(31, 120))
    }
  }

  /// A limit as lenders give them: thousands, mostly few.
  @inline(__always)
  private func limit(_ random: inout Random) -> Int { 1000 &* (1 &+ random.skewed(random.chance(970) ? 30 : 200)) }

  /// Channels that are open, in the order of the policy's ladder: bit 0 push, 1 sms, 2 email, 3 call.
  @inline(__always)
  private func reach(_ story: Story, odd: Int?, _ random: inout Random, _ out: inout Output) -> Int {
    let app = random.chance(story.stage.app)
    let push = app && random.chance(720)
    let sms = random.chance(930)
    let email = random.chance(story.stage.known == 0 ? 60 : 350)
    let call = random.chance(story.stage.known >= 2 ? 800 : 550)
    if odd == 2 { out.put(",\"app_installed\":\"yes\"") } else { out.put(",\"app_installed\":", app) }
    out.put(",\"push_ok\":", push)
    out.put(",\"sms_ok\":", sms)
    if email || random.chance(400) { out.put(",\"email_ok\":", email) }
    out.put(",\"call_ok\":", call)
    return (push && odd != 2 ? 1 : 0) | (sms ? 2 : 0) | (email ? 4 : 0) | (call ? 8 : 0)
  }

  @inline(__always)
  private func person(_ story: Story, odd: Int?, _ random: inout Random, _ out: inout Output) {
    let known = story.stage.known
    if random.chance(960) { region(&random, &out) }
    if random.chance(known == 0 ? 500 : 900) { network(&random, &out) }
    if odd == 3 {
      out.put(",\"other_loans\":\"many\"")
    } else if random.chance(500 &+ 130 &* known) {
      out.put(",\"other_loans\":", otherLoans(&random))
    }
    if random.chance(350 &+ 180 &* known) { out.put(",\"external_score\":", score(&random)) }
    if known >= 2, random.chance(700) {
      switch random.below(10) {
      case 0..<3: out.put(",\"education\":\"degree\"")
      case 3..<6: out.put(",\"education\":\"college\"")
      default: out.put(",\"education\":\"school\"")
      }
    }
    if known >= 2, random.chance(600) { out.put(",\"address_verified\":", random.chance(850)) }
    if known >= 1, random.chance(500) { out.put(",\"clicked_before\":", random.chance(200)) }
    if random.chance(300) { out.put(",\"used_other_product\":", random.chance(250)) }
    if !wanted.clean, random.chance(10) { out.put(",\"source\":\"spring-fair\"") }
  }

  @inline(__always)
  private func region(_ random: inout Random, _ out: inout Output) {
    out.put(",\"region\":\"CN-")
    let place = random.below(1000)
    out.put(place < 994 ? places[place % places.count] : place < 996 ? 71 : place < 998 ? 81 : 82)
    out.put("\"")
  }

  @inline(__always)
  private func network(_ random: inout Random, _ out: inout Output) {
    let kind = random.below(1000)
    if kind < 560 {
      out.put(",\"network\":\"wifi\"")
    } else if kind < 970 {
      out.put(",\"network\":\"cellular\"")
    } else if kind < 985 {
      out.put(",\"network\":\"proxy\"")
    } else {
      out.put(",\"network\":\"vpn\"")
    }
  }

  /// Mostly none or one; ten and more now and then.
  @inline(__always)
  private func otherLoans(_ random: inout Random) -> Int {
    let kind = random.below(1000)
    if kind < 450 { return 0 }
    if kind < 730 { return random.within(1, 2) }
    if kind < 930 { return random.within(3, 5) }
    return kind < 988 ? random.within(6, 9) : random.within(10, 18)
  }

  /// Around 600, between 380 and 820: the sum of two dice.
  @inline(__always)
  private func score(_ random: inout Random) -> Int { 380 &+ random.below(221) &+ random.below(221) }

  @inline(__always)
  private func device(_ story: Story, _ random: inout Random, _ out: inout Output) {
    guard random.chance(story.stage.known == 0 ? 600 : 960) else { return }
    out.put(",\"device\":{\"os\":")
    if random.chance(720) { out.put("\"android\"") } else { out.put("\"ios\"") }
    if random.chance(120) {
      out.put(",\"model\":\"M", random.within(1, 40))
      out.put("\"")
    }
    tier(&random, &out)
    if random.chance(850) { integrity(&random, &out) }
    if random.chance(800) { out.put(",\"os_age_years\":", random.skewed(9)) }
    out.put("}")
  }

  @inline(__always)
  private func tier(_ random: inout Random, _ out: inout Output) {
    switch random.below(10) {
    case 0..<2: out.put(",\"tier\":\"high\"")
    case 2..<7: out.put(",\"tier\":\"mid\"")
    default: out.put(",\"tier\":\"low\"")
    }
  }

  @inline(__always)
  private func integrity(_ random: inout Random, _ out: inout Output) {
    let kind = random.below(1000)
    if kind < 975 {
      out.put(",\"integrity\":\"ok\"")
    } else if kind < 993 {
      out.put(",\"integrity\":\"rooted\"")
    } else if kind < 997 {
      out.put(",\"integrity\":\"emulator\"")
    } else {
      out.put(",\"integrity\":\"hooked\"")
    }
  }

  /// The facts behind hard rules: rare, and only there when true, as a lender's export would have them.
  @inline(__always)
  private func rules(_ story: Story, _ random: inout Random, _ out: inout Output) {
    if random.chance(12) { out.put(",\"do_not_contact\":true") }
    if random.chance(4) { out.put(",\"complaint\":true") }
    if random.chance(story.stage.known == 3 ? 20 : 5) { out.put(",\"wealth_in_flight\":true") }
    if random.chance(5) { out.put(",\"profiling_refused\":true") }
    let dunned = story.stage == .borrowing ? 40 : story.stage == .settled ? 10 : 1
    if random.chance(dunned) { out.put(",\"in_collection\":true") }
    if random.chance(9) { out.put(",\"blacklist\":true") }
    if random.chance(2) { out.put(",\"minor\":true") }
  }

  /// One to three contacts of the last forty days, each on the next open rung; once in a while so many that the cap is
  /// reached. They fall into the afternoon in China, and none before there was anybody to reach.
  @inline(__always)
  private func contacts(_ reach: Int, since story: Story, _ random: inout Random, _ out: inout Output) {
    let kind = random.below(1000)
    let count = kind < 550 ? 1 : kind < 820 ? 2 : kind < 994 ? 3 : 6
    let part = (count == 6 ? 27 : 39) / count
    let yesterday = Calendar.day(of: wanted.now) - 1
    var rung = -1
    var any = false
    for number in 0..<count {
      // Each falls into its own part of the days, the first into the oldest.
      let days = (count &- 1 &- number) &* part &+ random.below(part)
      let at = (yesterday &- days) &* Calendar.day &+ random.within(4 * 3600, 12 * 3600)
      if at <= story.registered { continue }
      repeat { rung = (rung &+ 1) & 3 } while reach & (1 << rung) == 0
      if any { out.put(",{\"at\":", time: at) } else { out.put(",\"contacts\":[{\"at\":", time: at) }
      any = true
      switch rung {
      case 0: out.put(",\"channel\":\"push\"}")
      case 1: out.put(",\"channel\":\"sms\"}")
      case 2: out.put(",\"channel\":\"email\"}")
      default: out.put(",\"channel\":\"call\"}")
      }
    }
    if any { out.put("]") }
  }

  // MARK: - One shape

  /// Eighteen values a line, always the same members but for the times that make the stage.
  @inline(__always)
  private func oneShape(_ index: Int, _ random: inout Random, _ out: inout Output) {
    let story = Story(stages[random.below(1000)], now: wanted.now, &random)
    out.put("{\"user_id\":\"")
    putName(index, &out)
    out.put("\",\"registered_at\":", time: story.registered)
    if story.stage == .lapsed {
      out.put(",\"credit_granted_at\":", time: story.granted)
    } else {
      out.put(",\"last_login_at\":", time: story.login)
    }
    switch story.stage {
    case .borrowing: out.put(",\"loan_disbursed_at\":", time: story.disbursed)
    case .declined: out.put(",\"declined_at\":", time: story.declined)
    case .pending: out.put(",\"application_submitted_at\":", time: story.submitted)
    case .settled: out.put(",\"loan_settled_at\":", time: story.settled)
    case .granted: out.put(",\"credit_granted_at\":", time: story.granted)
    case .lapsed: out.put(",\"credit_expires_at\":", time: story.expires)
    case .applying: out.put(",\"application_started_at\":", time: story.started)
    case .clicked: out.put(",\"borrow_clicked_at\":", time: story.clicked)
    case .visited, .registered: out.put(",\"last_seen_at\":", time: story.seen)
    }
    out.put(",\"credit_limit\":", limit(&random))
    out.put(",\"other_loans\":", otherLoans(&random))
    out.put(",\"external_score\":", score(&random))
    region(&random, &out)
    network(&random, &out)
    let app = random.chance(story.stage.app)
    out.put(",\"app_installed\":", app)
    out.put(",\"push_ok\":", app && random.chance(720))
    out.put(",\"sms_ok\":", random.chance(930))
    out.put(",\"email_ok\":", random.chance(350))
    out.put(",\"call_ok\":", random.chance(700))
    out.put(",\"device\":{\"os\":")
    if random.chance(720) { out.put("\"android\"") } else { out.put("\"ios\"") }
    tier(&random, &out)
    integrity(&random, &out)
    out.put(",\"os_age_years\":", random.skewed(9))
    out.put("}}")
  }

  // MARK: - Flaws

  /// Lines in ten thousand.
  private enum Flaw {
    static let broken = 20
    static let repeated = 10
    static let odd = 20
    static let all = broken + repeated + odd
  }

  @inline(never)
  private func flawed(_ index: Int, _ flaw: Int, _ random: inout Random, _ out: inout Output) {
    if flaw < Flaw.broken {
      broken(index, flaw % 6, &random, &out)
    } else if flaw < Flaw.broken + Flaw.repeated {
      full(sound(before: index), odd: nil, &random, &out)
    } else {
      full(index, odd: flaw % 4, &random, &out)
    }
  }

  private func broken(_ index: Int, _ kind: Int, _ random: inout Random, _ out: inout Output) {
    let start = out.cursor
    switch kind {
    case 0:  // Cut off half-way.
      full(index, odd: nil, &random, &out)
      out.cursor = start + (out.cursor - start) * random.within(20, 80) / 100
    case 1:  // No id.
      out.put("{\"note\":\"id lost\"")
      rest(odd: nil, &random, &out)
    case 2:  // The id is a number.
      out.put("{\"user_id\":", index)
      rest(odd: nil, &random, &out)
    case 3:  // A list instead of an object.
      out.put("[\"")
      putName(index, &out)
      out.put("\",true,false]")
    case 4:  // Python's None is no JSON.
      out.put("{\"user_id\":\"")
      putName(index, &out)
      out.put("\",\"registered_at\":None,\"sms_ok\":True}")
    default:  // Nothing is known to have happened, so there is no stage.
      out.put("{\"user_id\":\"")
      putName(index, &out)
      out.put("\",\"sms_ok\":true,\"region\":\"CN-31\"}")
    }
  }

  /// An earlier line that has an id of its own: the one before, mostly. The very first line can only repeat itself, which is no repetition.
  private func sound(before index: Int) -> Int {
    for earlier in stride(from: index - 1, through: 0, by: -1) {
      var random = Random(seed: wanted.seed, index: earlier)
      if random.below(10_000) >= Flaw.broken + Flaw.repeated { return earlier }
    }
    return index
  }
}
