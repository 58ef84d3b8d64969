import RouseCore
import RousePolicy
import TestData
import Testing

/// The rules of model 1 that the shared vectors do not reach, each on the small policy with one text replaced.
@Suite struct RuleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let old: String
    let new: String
    let expected: [String]
    init(_ old: String, _ new: String, _ expected: String...) {
      self.old = old
      self.new = new
      self.expected = expected
    }
    var testDescription: String { "\(old) → \(new)" }
  }

  static let fields = [
    Case("[debt, cards]", "[debt, 9x]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, a..b]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, é]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, \"\"]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, Null]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, now]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, user_id]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, tier]", "value fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, a.and, Now, latest]"),
    Case("[debt, cards]", "[debt, device.tier.x]", "value fields.texts.1 8:19"),
    Case("[debt, cards]", "[debt, x.Gender]", "forbidden fields.numbers.1 6:19"),
    Case("[debt, cards]", "[debt, 5, null]", "type fields.numbers.1 6:19", "type fields.numbers.2 6:22"),
    Case("[debt, cards]", "[debt, debt]", "duplicate fields.numbers.1 6:19"),
    Case("numbers: [debt, cards]", "numbers: debt", "type fields.numbers 6:12"),
    Case("numbers:", "number:", "unknown_key fields.number 6:3"),
    Case("version: 2", "version: '2'", "type version 1:10"),
    Case("version: 2", "version: 2.0", "type version 1:10"),
    Case("name: small", "name: 5", "type name 2:7"),
    Case("name: small", "name:", "type name 2:6"),
    Case("clock_skew_seconds: 300", "clock_skew_seconds: 0300"),
    Case("clock_skew_seconds: 300", "clock_skew_seconds: 86401", "range clock_skew_seconds 9:21"),
    Case("clock_skew_seconds: 300", "clock_skew_seconds: 1e2", "type clock_skew_seconds 9:21"),
    Case("clock_skew_seconds: 300", "clock_skew_seconds: 1234567890123456", "type clock_skew_seconds 9:21"),
  ]

  static let stages = [
    Case("when: days_since(seen_at) > 900", "when: true"),
    Case("when: days_since(seen_at) > 900", "when: 5", "type stages.away.when 12:11"),
    Case("when: days_since(seen_at) > 900", "when: [a]", "type stages.away.when 12:11"),
    Case("when: days_since(seen_at) > 900", "when: 'é'", "condition_syntax stages.away.when 12:12"),
    Case(
      "when: days_since(seen_at) > 900", "when: \"debt > 1 AND 'é' = dept\"", "unknown_field stages.away.when 12:31"),
    Case("when: days_since(seen_at) > 900", "when: age > 3", "forbidden stages.away.when 12:11"),
    Case("when: days_since(seen_at) > 900", "when: region = 'x'", "proxy stages.away.when 12:11"),
    Case("since: seen_at", "since: []", "range stages.away.since 13:12"),
    Case(
      "since: seen_at", "since: [now, tier]", "unknown_field stages.away.since.0 13:13",
      "unknown_field stages.away.since.1 13:18"),
    Case("since: seen_at", "since: ends_at"),
    Case("since: seen_at", "since: {a: b}", "type stages.away.since 13:12"),
    Case("recall: never", "recall: null", "type stages.away.recall 14:13"),
    Case(
      "recall: never", "recall: never\n    loan: 5\n    half_life: 3\n    x: 1", "unknown_key stages.away.loan 15:5",
      "unknown_key stages.away.half_life 16:5", "unknown_key stages.away.x 17:5"),
    Case("steps: [login, buy]", "steps: []"),
    Case("steps: [login, buy]", "steps: login", "type stages.joined.steps 19:12"),
    Case("loan: 100\n", "loan: 100\n    loan_from: debt\n    half_life: 1\n"),
    Case("loan: 100\n", "loan: 100\n    loan_from: region\n", "type stages.joined.loan_from 21:16"),
    Case("loan: 100\n", "loan: 100\n    loan_from: contacts_30d\n", "unknown_field stages.joined.loan_from 21:16"),
    Case("loan: 100\n", "loan: 100000000.5\n", "range stages.joined.loan 20:11"),
    Case("incremental: 0.5", "incremental: -1.0"),
    Case("points: 0\ntiers", "points: -201\ntiers", "range stages.joined.points 23:13"),
    Case("{3m: 90, 6m: 180}", "{}"),
    Case("{3m: 90, 6m: 180}", "{3m: 90, all: 180}", "value tiers.all 24:17"),
    Case("{3m: 90, 6m: 180}", "{3m: 90, 6m: 90, 9m: x, 12m: 91}", "range tiers.6m 24:21", "type tiers.9m 24:29"),
  ]

  static let cards = [
    Case("missing: 0, code: R01", "missing: 1001, code: R01", "range risk.card.debt.missing 37:56"),
    Case("missing: 0, code: R01", "missing: 0", "missing_key risk.card.debt.code 37:11"),
    Case("missing: 0, code: R01", "other: 0, code: R01", "unknown_key risk.card.debt.other 37:47"),
    Case("missing: 0, code: R01", "code: r01", "value risk.card.debt.code 37:53"),
    Case("missing: 0, code: R01", "code: 5", "type risk.card.debt.code 37:53"),
    Case("missing: 0, code: R01", "code: C05", "duplicate risk.card.debt.code 37:53"),
    Case("at_least: {0: 5, 10: 0, 100: -20}", "at_least: {}", "range risk.card.debt.at_least 37:22"),
    Case("at_least: {0: 5, 10: 0, 100: -20}", "at_least: null", "type risk.card.debt.at_least 37:22"),
    Case("at_least: {0: 5, 10: 0, 100: -20}, ", "", "missing_key risk.card.debt.at_least 37:11"),
    Case("at_least: {0: 5, 10: 0, 100: -20}", "at_least: {0: 5, x: 0}", "value risk.card.debt.at_least.x 37:29"),
    Case("at_least: {0: 5, 10: 0, 100: -20}", "at_least: {0: 5, 0.0: 0}", "range risk.card.debt.at_least.0.0 37:29"),
    Case("at_least: {0: 5, 10: 0, 100: -20}", "at_least: {\"-1\": 5, 0.5: 0}"),
    Case(
      "at_least: {0: 5, 10: 0, 100: -20}", "at_least: {0: 5, 10: 6, 20: 6, 30: 7}",
      "monotone risk.card.debt.at_least.10 37:33", "monotone risk.card.debt.at_least.30 37:47"),
    Case(
      "{at_least: {0: 5, 10: 0, 100: -20}, ", "{at_least: {0: 5}, is: {x: 1}, other: 3, ",
      "type risk.card.debt.is 37:30"),
    Case("debt: {at_least", "dept: {at_least", "unknown_field risk.card.dept 37:5"),
    Case("debt: {at_least", "now: {at_least", "unknown_field risk.card.now 37:5"),
    Case("debt: {at_least", "gender: {at_least", "forbidden risk.card.gender 37:5"),
    Case("debt: {at_least", "tier: {at_least", "type risk.card.tier.at_least 37:12"),
    Case(
      "{is: {high: 5, low: -5}, code: R02}", "{is: {high: 5}, missing: 11, other: -12, code: R02}",
      "proxy risk.card.device.tier.missing 38:43", "proxy risk.card.device.tier.other 38:54"),
    Case("{is: {high: 5, low: -5}, code: R02}", "{is: {é: 5, e\u{301}: -5}, code: R02}"),
    Case("{is: {high: 5, low: -5}, code: R02}", "5", "type risk.card.device.tier 38:18"),
    Case(
      "{is: {true: 5, false: -5}}", "{is: {true: 5}, code: R03, say: x}",
      "unknown_key response.card.app.code 46:26", "unknown_key response.card.app.say 46:37"),
    Case("{is: {true: 5, false: -5}}", "{is: {True: 5}}", "value response.card.app.is.True 46:16"),
    Case("  card:\n    app: {is: {true: 5, false: -5}}", "  card:"),
    Case("  card:\n    app: {is: {true: 5, false: -5}}", "  card: {}"),
    Case("  card:\n    app: {is: {true: 5, false: -5}}", "  card: []", "type response.card 45:9"),
    Case("base: {score: 600, odds: 15}", "base: {score: 600, odds: 0}", "range risk.base.odds 33:28"),
    Case(
      "  reasons: 4", "  reasons: 4\n  underwriting: {step: pay, lift: 0, follow: 3}",
      "reference risk.underwriting.step 36:24", "range risk.underwriting.follow 36:46"),
    Case(
      "  reasons: 4", "  reasons: 4\n  thin: {known_below: 3, points: 1, code: S01}",
      "range risk.thin.points 36:34", "duplicate risk.thin.code 36:43"),
    Case("login: {rate: 0.8}", "login: {rate: 0.8, weight: 50}"),
    Case("login: {rate: 0.8}", "login: 0.8", "type response.steps.login 43:12"),
  ]

  static let rest = [
    Case("hours: 08:00-21:00", "hours: 08:00-24:00"),
    Case("hours: 08:00-21:00", "hours: 08:00-24:01", "window hours 51:8"),
    Case("hours: 08:00-21:00", "hours: 8:00-21:00", "window hours 51:8"),
    Case("hours: 08:00-21:00", "hours: 08:00-08:00", "window hours 51:8"),
    Case("hours: 08:00-21:00", "hours: 5", "type hours 51:8"),
    Case("hours: 08:00-21:00", "hours: 08:00-11:00", "window channels.sms.best 60:11"),
    Case("best: [11:00-12:00]", "best: []", "range channels.sms.best 60:11"),
    Case("best: [11:00-12:00]", "best: 11:00-12:00", "type channels.sms.best 60:11"),
    Case("best: [11:00-12:00]", "best: [11:00-12:00, 11:60-12:00]", "window channels.sms.best.1 60:25"),
    Case("best: [11:00-12:00]", "best: [01:00-02:00, 20:59-24:00]"),
    Case("ladder: best", "ladder: climb", "value ladder 48:9"),
    Case("ladder: best", "ladder: true", "type ladder 48:9"),
    Case("click: 0.02", "click: 0.995", "range channels.sms.click 57:12"),
    Case("budget: null", "budget: -1", "range plan.budget 63:11"),
    Case("capacity: {sms: 10}", "capacity: {sms: 1.0}", "type plan.capacity.sms 64:19"),
    Case("    new:\n", "    limit:\n", "value plan.quota.limit 66:5"),
    Case("      max: 5", "      max: null", "type plan.quota.new.max 68:12"),
    Case("  budget: null", "  tier_first: yes", "type plan.tier_first 63:15"),
    Case("holdout: 0.05, explore: 0.01", "holdout: 0.9, explore: 0.1"),
    Case("B: [X2]", "B: [X2, X2]", "duplicate regions.groups.B.1 69:37"),
    Case("B: [X2]", "unknown: [X2]", "value regions.groups.unknown 69:29"),
    Case("B: [X2]", "B: [é, e\u{301}]"),
    Case("B: [X2]", "B: [2]", "type regions.groups.B.0 69:33"),
    Case("utc_offset: \"+08:00\"", "utc_offset: +08:00, utc_offsets: {X1: \"-14:59\"}"),
    Case(
      "utc_offset: \"+08:00\"", "utc_offset: +08:00, utc_offsets: {X1: +15:00}", "value regions.utc_offsets.X1 69:95"),
    Case("utc_offset: \"+08:00\"", "utc_offset: +08:60", "value regions.utc_offset 69:69"),
    Case("regions: {", "regions: null\n#", "type regions 69:10"),
    Case("forbidden: [gender, age]", "forbidden: [gender, no, 5]", "type guardrails.forbidden.2 71:27"),
    Case(
      "forbidden: [gender, age]", "forbidden: [DEVICE]", "forbidden fields.texts.1 8:19",
      "forbidden risk.card.device.tier 38:5"),
    Case(
      "{region: 10,", "{dept: 10, now: 1,", "unknown_field guardrails.max_points.dept 72:16",
      "unknown_field guardrails.max_points.now 72:26"),
    Case("{region: 10,", "{region: 1001,", "range guardrails.max_points.region 72:24"),
    Case("{debt: down}", "{debt: both}", "value guardrails.monotone.debt 73:20"),
    Case(
      "{debt: down}", "{app: up, seen_at: up, x: up}", "type guardrails.monotone.app 73:14",
      "type guardrails.monotone.seen_at 73:23", "unknown_field guardrails.monotone.x 73:36"),
    Case(
      "guardrails:", "review: {targets: {a: 2}, psi: 1, parity: x, window_days: 0}\nguardrails:",
      "range review.targets.a 70:23", "type review.psi 70:32", "type review.parity 70:43",
      "range review.window_days 70:59"),
    Case("  S01:", "  A02:", "duplicate suppress.A02 26:3"),
    Case("  S01:", "  K01:", "duplicate knockout.K01 30:3"),
    Case("    say: Owes us", "    say: 5", "type suppress.S01.say 28:10"),
    Case("    say: Owes us", "    sey: x", "unknown_key suppress.S01.sey 28:5"),
  ]

  @Test(arguments: fields + stages + cards + rest)
  func rule(_ one: Case) throws {
    #expect(try faults(small((one.old, one.new))) == one.expected)
  }

  @Test func severalFaultsAtOnce() throws {
    let policy = small(
      ("version: 2", "version: 3"), ("[sms_ok, app]", "[sms_ok, app, app]"), ("debt > 1000", "'é = dept'"),
      ("  cutoff: 560\n", ""), ("ladder: best", "ladder: worst"), ("capacity: {sms: 10}", "capacity: {smss: 10}"),
      ("say: Owes us", "say: 'Müßig'\n    sya: 1"))
    #expect(
      try faults(policy) == [
        "range version 1:10", "duplicate fields.flags.2 7:24", "condition_syntax suppress.S01.when 27:12",
        "unknown_key suppress.S01.sya 29:5", "missing_key risk.cutoff 34:3", "value ladder 48:9",
        "reference plan.capacity.smss 64:14",
      ])
  }

  @Test func aBrokenPartMakesNoNoise() throws {
    #expect(try faults(small(("fields:\n", "fields: 5\nx:\n"))) == ["type fields 3:9", "unknown_key x 4:1"])
    #expect(try faults(small(("response:\n", "x:\n"))) == ["missing_key response 1:1", "unknown_key x 39:1"])
    #expect(try faults(small(("channels:\n", "channels: []\nx:\n"))) == ["type channels 52:11", "unknown_key x 53:1"])
    #expect(try faults(small(("    login: {rate: 0.8}", "    login: 5"))) == ["type response.steps.login 43:12"])
  }

  @Test(arguments: [
    ("", ["type 1:1"]), ("# x\n", ["type 1:1"]), ("\n\n~", ["type 3:1"]), ("- a", ["type 1:1"]), ("a", ["type 1:1"]),
  ])
  func noMap(_ text: String, _ expected: [String]) throws {
    #expect(try faults(text) == expected)
  }

  @Test func everythingIsMissing() throws {
    let missing = try faults("{}")
    #expect(missing.count == 16)
    #expect(missing.first == "missing_key version 1:1")
    #expect(try faults("{}", .json).first == "missing_key version")
  }

  @Test func aPolicyInJSONHasNoPlaces() throws {
    let text = try Vectors.text("edges/json-policy/policy.json")
    #expect(try faults(text, .json) == [])
    let bad = text.replacing("\"version\": 2", with: "\"version\": 2.0").replacing("\"odds\": 1", with: "\"odds\": 1e0")
      .replacing("'it''s' OR stop", with: "'it''s' OR stopp")
    #expect(try faults(bad, .json) == ["type version", "type risk.base.odds", "unknown_field suppress.S01.when"])
  }

  @Test func messagesHelp() throws {
    func message(_ old: String, _ new: String) -> String {
      do throws(PolicyDiagnostics) {
        _ = try PolicyReader.read(Array(small((old, new)).utf8), format: .yaml)
        return ""
      } catch {
        return error.all[0].line(file: "p.yaml")
      }
    }
    #expect(
      message("margin:", "margn:") == "p.yaml:47:8: missing_key: money.margin: money has no 'margin', and needs one")
    #expect(
      message("  cutoff: 560", "  cutof: 560\n  cutoff: 560")
        == "p.yaml:34:3: unknown_key: risk.cutof: there is no key 'cutof' in risk; did you mean 'cutoff'?")
    #expect(message("[login, buy]", "[logon, buy]").hasSuffix("did you mean 'login'?"))
    #expect(message("{sms: 10}", "{smss: 10}").hasSuffix("did you mean 'sms'?"))
    #expect(message("{sms: 10}", "{\"a\\nb\": 10}").contains("\n") == false)
  }
}
