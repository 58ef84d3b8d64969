import Foundation
import RousePolicy
import RouseReview
import TestData
import Testing

/// Each kind of finding by a fault planted into the cash-loan example, and silence about the shipped policies.
struct LintTests {
  /// A change of the example, and what lint must say then: nothing else, and just there.
  struct Plant: Sendable, CustomTestStringConvertible {
    let changes: [(from: String, to: String)]
    /// `code path`, in the order of the text.
    let findings: [String]
    /// What stands at each finding.
    let at: [String]

    init(_ from: String, _ to: String, _ findings: [String], at: [String]) {
      changes = [(from, to)]
      self.findings = findings
      self.at = at
    }

    init(_ changes: [(String, String)], _ findings: [String], at: [String]) {
      self.changes = changes.map { (from: $0.0, to: $0.1) }
      self.findings = findings
      self.at = at
    }

    var testDescription: String { (findings.first ?? "nothing") + " by " + (changes.last?.to ?? "") }
  }

  static let plants: [Plant] = [
    // Stages
    Plant(
      "when: loan_settled_at IS NOT NULL",
      "when: loan_settled_at IS NOT NULL AND loans_settled < 1 AND loans_settled > 2",
      ["stage_never stages.settled.when"], at: ["loan_settled_at IS NOT NULL AND loans"]),
    Plant(
      "when: borrow_clicked_at IS NOT NULL", "when: credit_granted_at IS NOT NULL AND credit_limit > 5",
      ["stage_shadowed stages.clicked.when"], at: ["credit_granted_at IS NOT NULL AND credit_limit"]),
    Plant(
      "since: registered_at", "since: last_login_at", ["stage_without_clock stages.registered.since"],
      at: [
        "last_login_at\n    dormant: 3\n    steps: [login, start, submit, approve, withdraw]\n    loan: 5000\n    coupon: 15\n    incremental: 0.95"
      ]),
    Plant(
      "when: registered_at IS NOT NULL", "when: days_since(registered_at) < 3",
      ["stage_never_dormant stages.registered.dormant"],
      at: [
        "3\n    steps: [login, start, submit, approve, withdraw]\n    loan: 5000\n    coupon: 15\n    incremental: 0.95"
      ]),
    Plant(
      "steps: [login, reborrow]", "steps: [login, reborrow, login]", ["step_repeated stages.settled.steps.2"],
      at: ["login]\n    loan: 6000"]),
    Plant(
      "reborrow: {rate: 0.80", "unseen: {rate: 0.1}\n    reborrow: {rate: 0.80",
      ["step_unused response.steps.unseen"], at: ["unseen: {rate"]),
    Plant(
      "when: open_loans >= 1 OR after", "when: open_loans >= 1 OR open_loans >= 5 OR after",
      ["condition_part_moot stages.borrowing.when"], at: ["open_loans >= 1 OR open_loans"]),
    Plant(
      "needs: sms_ok", "needs: sms_ok AND stage <> 'borowing'",
      ["unknown_name channels.sms.needs"], at: ["sms_ok AND stage"]),
    // Rules
    Plant(
      "when: blacklist", "when: blacklist AND NOT blacklist", ["rule_never knockout.K02.when"],
      at: ["blacklist AND NOT"]),
    Plant(
      "when: minor", "when: minor OR NOT minor OR minor IS NULL", ["rule_always knockout.K05.when"],
      at: ["minor OR NOT minor"]),
    Plant(
      "    say: No legal capacity to borrow", "    say: No legal capacity to borrow\n  K07: {when: blacklist = TRUE}",
      ["rule_same knockout.K07.when"], at: ["blacklist = TRUE"]),
    Plant(
      "    say: No legal capacity to borrow",
      "    say: No legal capacity to borrow\n  K07: {when: max_dpd >= 60 AND NOT minor}",
      ["rule_implied knockout.K07.when"], at: ["max_dpd >= 60"]),
    Plant(
      "    say: No legal capacity to borrow",
      "    say: No legal capacity to borrow\n  K07: {when: complaint AND max_dpd > 5}",
      ["knockout_unreachable knockout.K07.when"], at: ["complaint AND max_dpd"]),
    Plant(
      "    say: No legal capacity to borrow",
      "    say: No legal capacity to borrow\n  K07: {when: minor IS NULL}\n  K08: {when: NOT minor}",
      ["nobody_passes suppress"], at: ["suppress:"]),
    // Tiers
    Plant(
      "when: tier = 'all'", "when: tier IN ('all', '12m')", ["tier_suppressed tiers.12m"], at: ["365}"]),
    Plant("{3m: 90,", "{1d: 1, 3m: 90,", ["tier_not_dormant tiers.1d"], at: ["1, 3m: 90"]),
    Plant(
      [
        ("tiers: {3m: 90, 6m: 180, 12m: 365}", "tiers: {}"), ("when: tier = 'all'", "when: dormant_days > 365"),
        ("tier_first: false", "tier_first: true"),
      ],
      ["tier_first_without_tiers plan.tier_first"], at: ["true                         # true: 3m"]),
    // Cards
    Plant(
      "3: -18, 6: -40}", "3: -18, 6: -40, 10: -60}", ["unreachable_bin risk.card.other_loans.at_least.10"],
      at: ["10: -60"]),
    Plant(
      "3: -24}}", "3: -24, 7: -30}}", ["unreachable_bin response.card.contacts_30d.at_least.7"], at: ["7: -30"]),
    Plant(
      "{ok: 2, rooted: -15}", "{ok: 2, rooted: -15, hooked: -30}",
      ["unreachable_bin risk.card.device.integrity.is.hooked"],
      at: ["hooked: -30"]),
    Plant(
      "used_other_product: {is", "stage: {is: {borrowing: 5, settled: -7}}\n    used_other_product: {is",
      ["unreachable_bin response.card.stage.is.borrowing"], at: ["borrowing: 5"]),
    Plant(
      "{is: {A: -2, B: 0, C: 3}}", "{is: {A: -2, B: 0, D: 3}}", ["unknown_bin response.card.region_group.is.D"],
      at: ["D: 3}}"]),
    Plant(
      "{true: 4, false: -4}, missing", "{true: 4, false: -4}, other: 3, missing",
      ["other_dead risk.card.address_verified.other"],
      at: ["3, missing: 0, code: R10"]),
    Plant(
      "{is: {degree: 5, college: 2, school: 0}", "{is: {degree: 5, college: 2, school: 1}",
      ["bins_gap risk.card.education.is"], at: ["is: {degree"]),
    Plant(
      "{is: {true: 6, false: -8}}", "{is: {true: 6}}", ["bins_gap response.card.app_installed.is"],
      at: ["is: {true: 6}}\n    loans"]),
    Plant(
      "{at_least: {0: 0, 2: 6, 4: 12}}", "{at_least: {1: 0, 2: 6, 4: 12}}",
      ["scale_gap response.card.loans_settled.at_least.1"],
      at: ["1: 0, 2: 6, 4: 12"]),
    Plant(
      "{true: 4, false: -4}, missing: 0", "{true: 0, false: 0}, missing: 0",
      ["row_constant risk.card.address_verified"],
      at: ["address_verified:    {is"]),
    Plant(
      "used_other_product: {is", "silent_days: {at_least: {0: 3, 30: 8}}\n    used_other_product: {is",
      ["silence_rises response.card.silent_days.at_least.30"], at: ["8}}\n    used"]),
    // Risk
    Plant("650: 18}", "650: 200}", ["row_outweighs risk.card.external_score"], at: ["external_score:      {at_least"]),
    Plant(
      "8: -20}, missing", "8: -120}, missing", ["hidden_knockout risk.card.max_dpd"], at: ["max_dpd:             {at"]),
    Plant("cutoff: 565", "cutoff: 400", ["cutoff_everybody risk.cutoff"], at: ["400\n"]),
    Plant("cutoff: 565", "cutoff: 700", ["cutoff_nobody risk.cutoff"], at: ["700\n"]),
    Plant("known_below: 3", "known_below: 0", ["thin_never risk.thin.known_below"], at: ["0, points: -12"]),
    Plant(
      "known_below: 3, points: -12", "known_below: 3, points: 0", ["thin_never risk.thin.points"], at: ["0, code: R90"]),
    Plant("known_below: 3", "known_below: 11", ["thin_always risk.thin.known_below"], at: ["11, points"]),
    Plant(
      "reasons: 4 ", "reasons: 1 ",
      [
        "reason_never risk.card.device.os_age_years.code", "reason_never risk.card.device.tier.code",
        "reason_never risk.card.region_group.code", "reason_never risk.card.education.code",
        "reason_never risk.card.address_verified.code",
      ], at: ["R05,", "R06,", "R08,", "R09,", "R10,"]),
    Plant(
      [
        ("underwriting: {step: approve", "underwriting: {step: review"),
        ("approve:  {rate: 0.35", "review: {rate: 0.5}\n    approve:  {rate: 0.35"),
      ],
      ["underwriting_never risk.underwriting.step"], at: ["review, lift"]),
    // Response and money
    Plant("floor: -80", "floor: -1", ["recency_flat response.floor"], at: ["-1     "]),
    Plant("margin: 0.12", "margin: 0.02", ["margin_negative money.margin"], at: ["0.02\n"]),
    Plant(
      "incremental: 0.60", "incremental: 0.0", ["incremental_not_positive stages.granted.incremental"],
      at: ["0.0\n    points: 0\n  lapsed"]),
    Plant(
      "coupon: 10\n", "coupon: 10000\n", ["coupon_too_large stages.settled.coupon"],
      at: ["10000\n    incremental: 0.40"]),
    Plant("loan: 6000", "loan: 600000", ["loan_cut stages.settled.loan"], at: ["600000\n"]),
    Plant(
      "use_of_limit: 0.60", "use_of_limit: 0.0",
      ["use_of_limit_zero stages.settled.loan_from", "use_of_limit_zero stages.granted.loan_from"],
      at: ["credit_limit\n    coupon: 10\n", "credit_limit\n    coupon: 15\n    incremental: 0.60"]),
    Plant(
      "reborrow: {rate: 0.80", "reborrow: {rate: 0.0", ["stage_worthless stages.settled"],
      at: ["settled:                                  # S#12"]),
    // Contact
    Plant(
      "needs: sms_ok", "needs: sms_ok AND do_not_contact", ["channel_never channels.sms.needs"],
      at: ["sms_ok AND do_not"]),
    Plant(
      "cost: 0.300", "cost: 100000", ["channel_worthless channels.call"],
      at: ["call:                                     # S#29"]),
    Plant(
      "cap_30d: 1\n", "cap_30d: 7\n", ["channel_cap_moot channels.call.cap_30d"],
      at: ["7\n    best: [11:00-12:00, 19:00-20:00]"]),
    Plant("gap_days: 3 ", "gap_days: 7 ", ["cap_unreachable cap_30d"], at: ["6\nhours"]),
    Plant(
      [("cap_30d: 6", "cap_30d: 3"), ("cap_30d: 4", "cap_30d: 3"), ("cap_30d: 4", "cap_30d: 3")],
      ["ladder_too_long channels.call"], at: ["call:                                     # S#29"]),
    Plant(
      "[11:00-12:00, 19:00-21:00]", "[11:00-12:00, 19:00-22:00]", ["window_cut channels.sms.best.1"],
      at: ["19:00-22:00"]),
    // Experiment and plan
    Plant("holdout: 0.05", "holdout: 0", ["holdout_zero experiment.holdout"], at: ["0, explore: 0.01"]),
    Plant("explore: 0.01", "explore: 0", ["explore_zero experiment.explore"], at: ["0}\n\n# 9"]),
    Plant("explore: 0.01", "explore: 0.00004", ["share_rounds_to_nobody experiment.explore"], at: ["0.00004}"]),
    Plant("explore: 0.01", "explore: 0.6", ["explore_large experiment.explore"], at: ["0.6}\n"]),
    Plant("holdout: 0.05", "holdout: 0.6", ["holdout_large experiment.holdout"], at: ["0.6, explore"]),
    Plant(
      "budget: null", "budget: 0", ["limit_zero plan.budget"], at: ["0                              # expected spend"]),
    Plant("{call: 500}", "{call: 0}", ["limit_zero plan.capacity.call"], at: ["0}\n  quota"]),
    Plant(
      [("{call: 500}", "{call: 5, push: 5, sms: 5, email: 5}"), ("budget: null", "budget: 5000000")],
      ["budget_unspendable plan.budget"], at: ["5000000   "]),
    Plant(
      "when: stage = 'registered'", "when: stage = 'borrowing'", ["quota_never plan.quota.never_logged_in.when"],
      at: ["stage = 'borrowing'"]),
    Plant(
      "when: stage = 'registered'", "when: dormant_days >= 2", ["quota_always plan.quota.never_logged_in.when"],
      at: ["dormant_days >= 2"]),
    // Regions
    Plant(
      [
        ("max_points: {region: 10, region_group: 10, ", "max_points: {"), ("texts: [region, ", "texts: [province, "),
        ("when: NOT region_served", "when: NOT device.integrity = 'ok' AND max_dpd > 9"),
      ], ["region_undeclared regions.groups"], at: ["groups: {A"]),
    Plant(
      "not_served: [CN-71", "not_served: [CN-31, CN-71", ["region_both regions.not_served.0"], at: ["CN-31, CN-71"]),
    Plant("C: [CN-14, CN-15]", "C: []", ["group_empty regions.groups.C"], at: ["C: []"]),
    Plant(
      "when: NOT region_served", "when: max_dpd >= 15 AND blacklist IS NULL", ["not_served_unused regions.not_served"],
      at: ["not_served: ["]),
    Plant(
      "{CN-65: \"+06:00\"}", "{CN-66: \"+06:00\"}", ["offset_unknown_region regions.utc_offsets.CN-66"],
      at: ["CN-66: \"+06"]),
    Plant(
      "{CN-65: \"+06:00\"}", "{CN-71: \"+06:00\"}", ["offset_not_served regions.utc_offsets.CN-71"],
      at: ["CN-71: \"+06"]),
    // Fields and review
    Plant("numbers: [open_loans, ", "numbers: [open_loans, odd, ", ["field_unused fields.numbers.1"], at: ["odd, "]),
    Plant(
      "contacts_30d: down}", "contacts_30d: down, open_loans: up}", ["monotone_unused guardrails.monotone.open_loans"],
      at: ["open_loans: up"]),
    Plant(
      "withdraw: 0.50, reborrow: 0.80}", "withdrow: 0.50, reborrow: 0.80}", ["target_unknown review.targets.withdrow"],
      at: ["withdrow"]),
    Plant("psi: [0.10, 0.25]", "psi: [0.25, 0.10]", ["psi_not_rising review.psi.1"], at: ["0.10]"]),
    Plant("  window_days: 14", "  #", ["window_missing review.window_days"], at: ["review:"]),
    Plant("  parity: 0.80", "  #", ["parity_missing review.parity"], at: ["review:"]),
  ]

  static func findings(_ text: String) throws -> [LintFinding] {
    let bytes = Array(text.utf8)
    let document = try Document.parse(yaml: bytes)
    return Linter.findings(try PolicyReader.read(document), document, source: bytes)
  }

  static func example(_ name: String) throws -> String {
    try String(
      contentsOf: Vectors.folder.deletingLastPathComponent().appending(path: "examples/\(name).yaml"), encoding: .utf8)
  }

  @Test(arguments: plants) func isFound(_ plant: Plant) throws {
    var text = try Self.example("cash-loan-recall")
    for change in plant.changes {
      let range = try #require(text.range(of: change.from), "the example has no \(change.from)")
      text.replaceSubrange(range, with: change.to)
    }
    let found = try Self.findings(text)
    #expect(found.map { "\($0.code.rawValue) \($0.path)" } == plant.findings)
    for (finding, at) in zip(found, plant.at) {
      let place = try #require(text.range(of: at)?.lowerBound, "\(at) is not in the text")
      let before = text[..<place]
      #expect(finding.line == before.count { $0 == "\n" } + 1, "\(finding.line(file: ""))")
      #expect(
        finding.column == before.count
          - (before.lastIndex(of: "\n").map { before.distance(from: before.startIndex, to: $0) } ?? -1))
    }
  }

  @Test func everyKindIsPlanted() {
    let planted = Set(
      Self.plants.flatMap { $0.findings.compactMap { $0.split(separator: " ").first.map(String.init) } })
    #expect(LintCode.allCases.map(\.rawValue).filter { !planted.contains($0) } == ["no_stage_recalled"])
  }

  /// It takes more than one change, and leaves steps without a stage.
  @Test func nobodyIsRecalled() throws {
    let text = try Self.example("lapsed-donors")
    let bytes = Array(text.utf8)
    var document = try Document.parse(yaml: bytes)
    for stage in ["pledge_over", "gave_once", "never_gave"] {
      try document.set(
        try Override(
          parsing:
            "stages.\(stage)={\"when\":\"\(stage == "pledge_over" ? "gifts > 5" : stage == "gave_once" ? "gifts > 1" : "bounced > 1")\",\"since\":\"joined_at\",\"recall\":\"never\"}"
        ))
    }
    let found = Linter.findings(try PolicyReader.read(document), document, source: bytes)
    let all = found.map { "\($0.code.rawValue) \($0.path)" }
    #expect(all.contains("no_stage_recalled stages"))
    #expect(
      found.first { $0.code == .noStageRecalled }?.line
        == text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex(of: "stages:").map { $0 + 1 })
    #expect(!all.contains { $0.hasPrefix("nobody_passes") || $0.hasPrefix("unreachable_bin") })
  }

  @Test(arguments: ["cash-loan-recall", "lapsed-donors", "lapsed-shoppers"])
  func aShippedPolicyIsSilent(_ name: String) throws {
    #expect(try Self.findings(Self.example(name)).map { $0.line(file: name) } == [])
  }

  @Test func theVectorsPolicyIsSilent() throws { #expect(try Self.findings(Vectors.text("policy.yaml")).isEmpty) }

  @Test func aCarriedFieldIsLeftAlone() throws {
    let text = try Self.example("cash-loan-recall").replacing(
      "numbers: [open_loans, ", with: "numbers: [open_loans, # carried for reports: odd\n      odd, # carried\n")
    #expect(try Self.findings(text).isEmpty)
  }

  /// What is left alone on purpose (proto-spec/lint.md).
  static let innocent: [(from: String, to: String)] = [
    ("when: stage = 'registered'", "when: true"),
    ("holdout: 0.05, explore: 0.01", "holdout: 0, explore: 0"),
    ("floor: -80", "floor: 0"),
    ("{0: -40, 450: -15, 550: 0, 650: 18}", "{300: -40, 450: -15, 550: 0, 650: 18}"),
    ("when: registered_at IS NOT NULL", "when: true"),
    ("3: -24}}", "3: -24, 6: -30}}"),
    ("when: max_dpd >= 31", "when: max_dpd > 100000000000000000"),
    ("when: max_dpd >= 31", "when: max_dpd >= 31 OR days_since(loan_settled_at) > open_loans"),
    ("needs: sms_ok", "needs: sms_ok AND (contacts_30d = 0 OR last_contact_days < 20)"),
    ("needs: email_ok", "needs: email_ok AND latest(last_login_at, last_seen_at) > loan_settled_at"),
    ("when: NOT region_served", "when: NOT region_served OR device.model = 'X1'"),
    ("dormant: 7", "dormant: 0"),
    ("[12:00-14:00, 15:00-18:00]", "[08:00-21:00]"),
  ]

  @Test(arguments: innocent) func isLeftAlone(_ change: (from: String, to: String)) throws {
    var text = try Self.example("cash-loan-recall")
    text.replaceSubrange(try #require(text.range(of: change.from)), with: change.to)
    #expect(try Self.findings(text).map { $0.line(file: "") } == [])
  }

  /// Every code has its row, with the words that the tool says.
  @Test func thePageNamesAllCodes() throws {
    let tables = try MarkdownTable.all("lint.md").filter { $0.heading.first == "finding" }
    let rows = tables.flatMap(\.rows)
    #expect(rows.map { $0[0] } == LintCode.allCases.map(\.rawValue))
    for (row, code) in zip(rows, LintCode.allCases) {
      #expect(row[1] == code.meaning, "\(code.rawValue)")
      #expect(row[2] == code.remedy, "\(code.rawValue)")
    }
  }
}
