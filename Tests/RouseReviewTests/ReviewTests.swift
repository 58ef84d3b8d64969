import RouseCore
import RouseReview
import RouseWire
import Synchronization
import Testing

/// A period of a ledger made by hand, whose answers are known.
@Suite struct ReviewTests {
  private let noon = Example.noon
  private let day = Example.day

  private func review(
    _ source: MemorySource, since: Int64? = nil, until: Int64? = nil, now: Int64? = nil, newUserCost: Int64? = nil,
    policy: Policy? = nil
  ) throws -> JSONValue {
    let question = ReviewQuestion(
      period: (since ?? noon - day)..<(until ?? noon + 28 * day), now: now ?? noon + 60 * day, newUserCost: newUserCost)
    let review = try Review(of: source, question, under: try policy ?? Example.policy())
    return try #require(JSONValue(review.json()))
  }

  private func contact(
    _ user: Int, at: Int64, channel: String = "sms", plan: String? = "P1", cost: Int64? = 50_000
  ) -> LoggedEvent {
    LoggedEvent(user: user, kind: "contact", at: at, channel: channel, plan: plan, cost: cost)
  }

  private func group(_ review: JSONValue, _ dimension: String, _ name: String?) -> JSONValue? {
    review["by"]?.items.first { $0["dimension"]?.text == dimension }?["groups"]?.items.first {
      $0["name"]?.text == name
    }
  }

  private func step(_ group: JSONValue?, _ name: String) -> JSONValue? {
    group?["funnel"]?.items.first { $0["step"]?.text == name }
  }

  @Test func nothingIsAnAnswer() throws {
    let answer = try review(MemorySource())
    #expect(answer["contacts"]?["all"]?.whole == 0)
    let finding = try #require(answer["findings"]?.items.first)
    #expect(finding["code"]?.text == "nothing" && finding["say"]?.text?.hasPrefix("No contact was reported") == true)
    #expect(answer["lift"]?["all"]?["verdict"]?.text == "not_known")
  }

  /// Sums of outside amounts come near the end of 64 bits; no finding reckons beyond it.
  @Test func amountsWithoutMeasure() throws {
    var source = MemorySource()
    for user in 1...120 {
      source.rows.append((Example.row(user, rank: user), nil))
      source.events.append(contact(user, at: noon + 100))
      for kind in ["disbursed", "repaid"] {
        source.events.append(
          LoggedEvent(user: user, kind: kind, at: noon + 200, amount: 1_000_000_000_000_000_000))
      }
    }
    let answer = try review(source)
    #expect((answer["all"]?["money"]?["realised_value"]?.number ?? 0) > 5e12)
    #expect(answer["findings"]?.items.contains { $0["code"]?.text == "value" } == true)
  }

  /// What is read of the ledger is counted while it is read, and there may not be enough.
  @Test func memoryIsAskedFor() throws {
    let policy = try Example.policy()
    var source = MemorySource()
    for user in 1...5000 {
      source.rows.append((Example.row(user, rank: user), nil))
      source.events.append(contact(user, at: noon + 100))
    }
    for most in [0, 1 << 20, 1 << 30] {
      let left = Mutex(most)
      var question = ReviewQuestion(period: noon - day..<noon + 28 * day, now: noon + 60 * day)
      question.takesMemory = { bytes in
        left.withLock { left in
          guard bytes <= left else { return false }
          left -= bytes
          return true
        }
      }
      let kind: ReviewError.Kind?
      do throws(ReviewError) {
        _ = try Review(of: source, question, under: policy)
        kind = nil
      } catch { kind = error.kind }
      #expect(kind == (most > 1 << 20 ? nil : .tooMuch))
      #expect(most == 0 || left.withLock { $0 } < most)
    }
  }

  /// Exact numerators and denominators, by stage, of who came to the step before.
  @Test func theFunnel() throws {
    var source = MemorySource()
    for user in 1...10 {
      source.rows.append((Example.row(user, rank: user, stage: user <= 6 ? "granted" : "settled"), nil))
      source.events.append(contact(user, at: noon + 100))
    }
    func add(_ kind: String, _ users: [Int], amount: Int64? = nil) {
      for user in users {
        source.events.append(LoggedEvent(user: user, kind: kind, at: noon + 200, amount: amount))
      }
    }
    add("delivered", [1, 2, 3, 4, 5, 6, 7, 8])
    add("click", [1, 2, 3, 7])
    add("click", [1])
    add("login", [1, 2, 4, 7])
    add("withdraw", [1, 7])
    add("reborrow", [7])
    add("disbursed", [1, 7], amount: 5_000_000_000)
    let answer = try review(source)
    let granted = group(answer, "stage", "granted")
    func counts(_ rate: JSONValue?) -> [Int?] { [rate?["count"]?.whole, rate?["of"]?.whole] }
    #expect(counts(step(granted, "click")?["per_contact"]) == [3, 6])
    #expect(counts(step(granted, "login")?["per_contact"]) == [3, 6])
    // One who logged in did not click.
    #expect(counts(step(granted, "login")?["from_previous"]) == [2, 3])
    #expect(step(granted, "login")?["from"]?.text == "click")
    #expect(counts(step(granted, "withdraw")?["from_previous"]) == [1, 3])
    #expect(step(granted, "reborrow") == nil)
    #expect(counts(step(granted, "disbursed")?["from_previous"]) == [1, 1])
    let settled = group(answer, "stage", "settled")
    #expect(counts(step(settled, "reborrow")?["from_previous"]) == [1, 1])
    // Withdrawals are no step of that stage; they are counted all the same.
    #expect(counts(step(settled, "withdraw")?["per_contact"]) == [1, 4])
    #expect(step(settled, "withdraw")?["from_previous"]?.isNull == true)
    let rates = answer["all"]?["rates"]
    #expect(counts(rates?["recall_per_push"]) == [4, 10] && counts(rates?["recall_per_click"]) == [3, 4])
    #expect(counts(rates?["disbursed_per_login"]) == [2, 4])
    #expect(rates?["application_per_push"]?.isNull == true)
    let wilson = Rate(3, of: 6).interval
    #expect(step(granted, "click")?["per_contact"]?["low"]?.number == wilson.low)
    #expect(group(answer, "channel", "sms")?["contacts"]?.whole == 10)
    #expect(group(answer, "region_group", "A")?["finished"]?.whole == 10)
  }

  /// The window's first second is in it, its last is not; of two contacts the later one has the outcome.
  @Test func windowsAndLastTouch() throws {
    let window = 14 * day
    func counted(_ contacts: [Int64], outcome: Int64, now: Int64? = nil) throws -> (counted: Int?, unfinished: Int?) {
      var source = MemorySource()
      source.events = contacts.map { contact(1, at: $0, plan: nil) }
      source.events.append(LoggedEvent(user: 1, kind: "click", at: outcome))
      let answer = try review(source, now: now)
      return (
        step(answer["all"], "click")?["per_contact"]?["count"]?.whole ?? 0, answer["contacts"]?["unfinished"]?.whole
      )
    }
    #expect(try counted([noon], outcome: noon) == (1, 0))
    #expect(try counted([noon], outcome: noon - 1) == (0, 0))
    #expect(try counted([noon], outcome: noon + window - 1) == (1, 0))
    #expect(try counted([noon], outcome: noon + window) == (0, 0))
    // Unfinished a second before the window's end.
    #expect(try counted([noon], outcome: noon + 5, now: noon + window) == (1, 0))
    #expect(try counted([noon], outcome: noon + 5, now: noon + window - 1) == (0, 1))
    // The later contact is behind the period: the outcome is not of it.
    #expect(try counted([noon, noon + 28 * day], outcome: noon + 28 * day + 5).counted == 0)
    // It is one outcome, of one contact.
    #expect(try counted([noon, noon + day], outcome: noon + 2 * day).counted == 1)
    // What was reported later than the review's moment does not count.
    #expect(try counted([noon], outcome: noon + window - 1, now: noon + window - 2).counted == 0)
  }

  /// By the plan that the event names; else by the latest lease that covers it.
  @Test func contactsFindTheirPlan() throws {
    var source = MemorySource()
    source.rows = [
      (Example.row(1, plan: 1, made: noon, stage: "granted", campaign: "a"), nil),
      (Example.row(1, plan: 2, made: noon + day, stage: "settled", campaign: "b"), nil),
      (Example.row(2, plan: 1, made: noon, rank: 0), nil),
    ]
    func stage(_ event: LoggedEvent) throws -> String? {
      source.events = [event]
      let answer = try review(source)
      #expect(answer["contacts"]?["all"]?.whole == 1)
      return answer["by"]?.items.first?["groups"]?.items.first?["name"]?.text
    }
    #expect(try stage(contact(1, at: noon + 2 * day, plan: "P1")) == "granted")
    #expect(try stage(contact(1, at: noon + 2 * day, plan: nil)) == "settled")
    #expect(try stage(contact(1, at: noon + day - 1, plan: nil)) == "granted")
    #expect(try stage(contact(1, at: noon + 4 * day, plan: "other")) == "settled")
    #expect(try stage(contact(1, at: noon + 4 * day + 1, plan: nil)) == nil)
    // Of a plan before the lease's end, though it names it later.
    #expect(try stage(contact(1, at: noon + 20 * day, plan: "P2")) == "settled")
    #expect(try stage(contact(2, at: noon + 5, plan: "P1")) == nil)
    #expect(try stage(contact(3, at: noon + 5, plan: "P1")) == nil)
  }

  @Test func whatWasPlannedAndNotReported() throws {
    var source = MemorySource()
    for user in 1...5 { source.rows.append((Example.row(user, rank: user), nil)) }
    source.rows.append((Example.row(6, plan: 2, made: noon + 10 * day), nil))
    source.rows.append((Example.row(7, plan: 2, made: noon + 10 * day, rank: 0), nil))
    source.events = [contact(1, at: noon + 5), contact(1, at: noon + 9), contact(2, at: noon + 5, channel: "push")]
    let answer = try review(source, now: noon + 11 * day)
    let planned = answer["planned"]
    #expect(
      ["plans", "contacts", "reported", "not_reported", "open", "ghosts"].map { planned?[$0]?.whole } == [
        2, 6, 2, 3, 1, 1,
      ])
    #expect(answer["contacts"]?["repeated"]?.whole == 1 && answer["contacts"]?["other_channel"]?.whole == 1)
  }

  /// Spend as reported, else as planned; loans by what became of them.
  @Test func money() throws {
    var source = MemorySource()
    for user in 1...4 { source.rows.append((Example.row(user, rank: user), nil)) }
    source.events = [
      contact(1, at: noon, cost: 60_000), contact(2, at: noon, cost: nil), contact(3, at: noon), contact(4, at: noon),
      contact(9, at: noon, plan: nil, cost: nil),
      LoggedEvent(user: 1, kind: "disbursed", at: noon + 5, amount: 1000_000_000),
      LoggedEvent(user: 3, kind: "disbursed", at: noon + 5, amount: 1000_000_000),
      LoggedEvent(user: 3, kind: "repaid", at: noon + 40 * day, amount: 400_000_000),
      LoggedEvent(user: 3, kind: "defaulted", at: noon + 50 * day, amount: 600_000_000),
      LoggedEvent(user: 4, kind: "quit", at: noon + 5),
    ]
    let answer = try review(source, newUserCost: 50_000_000)
    let money = answer["all"]?["money"]
    // 0.06 + 0.05 + 0.05 as reported; 0.1 as planned and 0.05 of the channel.
    #expect(money?["spend_reported"]?.number == 0.16 && money?["spend_expected"]?.number == 0.15)
    #expect(money?["coupons"]?.number == 30 && money?["loans"]?.whole == 2)
    let first = 1000 * (0.98 * 0.12 - 0.02 * 0.7)
    let second = 400 * 0.12 - 600 * 0.7
    #expect(abs((money?["loan_value"]?.number ?? 0) - (first + second)) < 1e-9)
    let realised = 0.6 * (first + second) - 30 - 0.31 - 40
    #expect(abs((money?["realised_value"]?.number ?? 0) - realised) < 1e-9)
    #expect(money?["expected_value"]?.number == 8)
    let pd = answer["calibration"]?["pd"]
    #expect(pd?["loans"]?.whole == 2 && pd?["outcomes"]?.whole == 1)
    #expect(answer["recall_cost"]?["quarter"]?.number == 12.5)
    #expect(answer["recall_cost"]?["verdict"]?.text == "not_known")
  }

  /// Intention to treat: whoever was chosen counts, contacted or not; explorers do not.
  @Test func lift() throws {
    var source = MemorySource()
    for user in 0..<200 { source.rows.append((Example.row(user, rank: user + 1), nil)) }
    for user in 200..<300 { source.rows.append((Example.row(user, rank: 0), nil)) }
    source.rows.append((Example.row(400, rank: 201, arm: "explore"), nil))
    source.rows.append((Example.row(0, plan: 2, made: noon + 50 * day), nil))
    for user in Array(0..<40) + Array(200..<205) + [400] {
      source.events.append(LoggedEvent(user: user, kind: "disbursed", at: noon + 10, amount: 1_000_000))
    }
    source.events.append(LoggedEvent(user: 50, kind: "disbursed", at: noon + 14 * day))
    let answer = try review(source, until: noon + 60 * day)
    let all = answer["lift"]?["all"]
    #expect(all?["chosen"]?["count"]?.whole == 40 && all?["chosen"]?["of"]?.whole == 200)
    #expect(all?["held_out"]?["count"]?.whole == 5 && all?["held_out"]?["of"]?.whole == 100)
    let expected = try #require(Lift(chosen: Rate(40, of: 200), heldOut: Rate(5, of: 100)))
    #expect(all?["low"]?.number == expected.interval.low && all?["extra"]?.number == expected.extra)
    #expect(all?["verdict"]?.text == "adds" && all?["needed"]?.isNull == true)
    #expect(answer["lift"]?["unfinished"]?.whole == 1)
    let granted = answer["lift"]?["by"]?.items.first?["groups"]?.items.first
    #expect(granted?["name"]?.text == "granted" && granted?["chosen"]?["of"]?.whole == 200)
  }

  /// A small difference names the size at which it would show.
  @Test func howManyAreNeeded() throws {
    var source = MemorySource()
    for user in 0..<200 { source.rows.append((Example.row(user, rank: user + 1), nil)) }
    for user in 200..<300 { source.rows.append((Example.row(user, rank: 0), nil)) }
    for user in Array(0..<22) + Array(200..<210) {
      source.events.append(LoggedEvent(user: user, kind: "disbursed", at: noon + 10, amount: 1_000_000))
    }
    let needed = try review(source)["lift"]?["all"]?["needed"]
    // By the usual formula of two proportions with 2 to 1: 11,063 and 22,126, give or take the rounding.
    let heldOut = try #require(needed?["held_out"]?.whole)
    let chosen = try #require(needed?["chosen"]?.whole)
    #expect(abs(heldOut - 11_077) < 150 && abs(chosen - 2 * heldOut) <= 2, "\(heldOut) \(chosen)")
  }

  /// Steps that nobody reports do not hide those behind them.
  @Test func unreportedSteps() throws {
    var source = MemorySource()
    for user in 1...4 {
      source.rows.append((Example.row(user, rank: user), nil))
      source.events.append(contact(user, at: noon))
      source.events.append(LoggedEvent(user: user, kind: "click", at: noon + 1))
    }
    source.events.append(LoggedEvent(user: 1, kind: "withdraw", at: noon + 1))
    let answer = try review(source)
    let withdraw = step(answer["all"], "withdraw")
    #expect(withdraw?["from"]?.text == "click" && withdraw?["from_previous"]?["of"]?.whole == 4)
    #expect(answer["findings"]?.items.contains { $0["code"]?.text == "unreported" } == true)
  }

  @Test func targets() throws {
    var source = MemorySource()
    for user in 1...400 {
      source.rows.append((Example.row(user, rank: user), nil))
      source.events.append(contact(user, at: noon))
      if user <= 200 { source.events.append(LoggedEvent(user: user, kind: "click", at: noon + 1)) }
      if user <= 40 { source.events.append(LoggedEvent(user: user, kind: "login", at: noon + 1)) }
    }
    let answer = try review(source)
    let verdicts = Dictionary(
      uniqueKeysWithValues: (answer["targets"]?.items ?? []).map {
        ($0["name"]?.text ?? "", $0["verdict"]?.text ?? "")
      })
    #expect(verdicts == ["click": "met", "login": "below", "withdraw": "below", "reborrow": "not_known"])
    let worst = answer["worst"]?.items.first
    #expect(worst?["stage"]?.text == "granted" && worst?["step"]?.text == "withdraw")
    #expect(worst?["against"]?.text == "target" && worst?["verdict"]?.text == "below")
  }

  /// Where one target is far from what any stage reaches, one sentence says so, not one a stage.
  @Test func stagesThatLoseMostAtTheSameStepAreToldTogether() throws {
    var source = MemorySource()
    for user in 1...800 {
      source.rows.append((Example.row(user, rank: user, stage: user % 2 == 0 ? "granted" : "settled"), nil))
      source.events.append(contact(user, at: noon))
      guard user <= 40 else { continue }
      for (seconds, kind) in ["click", "login", user % 2 == 0 ? "withdraw" : "reborrow"].enumerated() {
        source.events.append(LoggedEvent(user: user, kind: kind, at: noon + 1 + Int64(seconds)))
      }
    }
    let findings = try review(source)["findings"]?.items.filter { $0["code"]?.text == "worst_step" } ?? []
    #expect(findings.count == 1, "\(findings.map(\.json))")
    let say = findings.first?["say"]?.text ?? ""
    #expect(
      say == "2 stages lose most at click, where the target is 20.0 %: settled 5.00 %, granted 5.00 %.", "\(say)")
  }

  /// The same input gives the same bytes, in whatever order events come.
  @Test func isDeterministic() throws {
    var source = RandomLedger(seed: 5).source
    let question = ReviewQuestion(period: noon..<noon + 28 * day, now: noon + 40 * day)
    let policy = try Example.policy()
    let first = try Review(of: source, question, under: policy).json()
    source.events.sort { ($0.kind, $0.user, $0.at) < ($1.kind, $1.user, $1.at) }
    #expect(try Review(of: source, question, under: policy).json() == first)
  }
}
