/// What lint finds in a policy that loads (proto-spec/lint.md). The raw values are stable: scripts read them.
package enum LintCode: String, Sendable, CaseIterable {
  case stageNever = "stage_never"
  case stageShadowed = "stage_shadowed"
  case stageWithoutClock = "stage_without_clock"
  case stageNeverDormant = "stage_never_dormant"
  case noStageRecalled = "no_stage_recalled"
  case stepRepeated = "step_repeated"
  case stepUnused = "step_unused"
  case conditionPartMoot = "condition_part_moot"
  case unknownName = "unknown_name"
  case ruleNever = "rule_never"
  case ruleAlways = "rule_always"
  case ruleSame = "rule_same"
  case ruleImplied = "rule_implied"
  case knockoutUnreachable = "knockout_unreachable"
  case nobodyPasses = "nobody_passes"
  case tierSuppressed = "tier_suppressed"
  case tierNotDormant = "tier_not_dormant"
  case tierFirstWithoutTiers = "tier_first_without_tiers"
  case unreachableBin = "unreachable_bin"
  case unknownBin = "unknown_bin"
  case otherDead = "other_dead"
  case binsGap = "bins_gap"
  case scaleGap = "scale_gap"
  case rowConstant = "row_constant"
  case silenceRises = "silence_rises"
  case rowOutweighs = "row_outweighs"
  case hiddenKnockout = "hidden_knockout"
  case cutoffEverybody = "cutoff_everybody"
  case cutoffNobody = "cutoff_nobody"
  case thinNever = "thin_never"
  case thinAlways = "thin_always"
  case reasonNever = "reason_never"
  case underwritingNever = "underwriting_never"
  case recencyFlat = "recency_flat"
  case marginNegative = "margin_negative"
  case incrementalNotPositive = "incremental_not_positive"
  case couponTooLarge = "coupon_too_large"
  case loanCut = "loan_cut"
  case useOfLimitZero = "use_of_limit_zero"
  case stageWorthless = "stage_worthless"
  case channelNever = "channel_never"
  case channelWorthless = "channel_worthless"
  case channelCapMoot = "channel_cap_moot"
  case capUnreachable = "cap_unreachable"
  case ladderTooLong = "ladder_too_long"
  case windowCut = "window_cut"
  case holdoutZero = "holdout_zero"
  case exploreZero = "explore_zero"
  case shareRoundsToNobody = "share_rounds_to_nobody"
  case exploreLarge = "explore_large"
  case holdoutLarge = "holdout_large"
  case limitZero = "limit_zero"
  case budgetUnspendable = "budget_unspendable"
  case quotaNever = "quota_never"
  case quotaAlways = "quota_always"
  case regionUndeclared = "region_undeclared"
  case regionBoth = "region_both"
  case groupEmpty = "group_empty"
  case notServedUnused = "not_served_unused"
  case offsetUnknownRegion = "offset_unknown_region"
  case offsetNotServed = "offset_not_served"
  case fieldUnused = "field_unused"
  case monotoneUnused = "monotone_unused"
  case targetUnknown = "target_unknown"
  case psiNotRising = "psi_not_rising"
  case windowMissing = "window_missing"
  case parityMissing = "parity_missing"

  /// What it means, in general: the table of proto-spec/lint.md.
  package var meaning: String {
    switch self {
    case .stageNever:
      "its condition can never be TRUE"
    case .stageShadowed:
      "earlier stages take everybody whom its condition holds for"
    case .stageWithoutClock:
      "whoever is in the stage has none of its `since` times, so all are invalid (I02)"
    case .stageNeverDormant:
      "its condition ends before its `dormant` days have passed"
    case .noStageRecalled:
      "every stage says `recall: never`, so nobody is ever contacted"
    case .stepRepeated:
      "a stage names a step twice, and its rate counts twice"
    case .stepUnused:
      "no stage names the step, so its rate counts for nobody"
    case .conditionPartMoot:
      "a part of an OR or an AND changes nothing: the other parts say it already"
    case .unknownName:
      "a condition compares `stage`, `tier` or `region_group` with a text that names none"
    case .ruleNever:
      "the condition of a rule can never be TRUE"
    case .ruleAlways:
      "the condition of a rule always holds, so nobody is ever contacted"
    case .ruleSame:
      "two rules hold for exactly the same users"
    case .ruleImplied:
      "whenever the rule holds another one of the same kind holds too, so it changes nobody's status"
    case .knockoutUnreachable:
      "whoever the knock-out holds for is suppressed, or never gets as far"
    case .nobodyPasses:
      "the rules together leave nobody over"
    case .tierSuppressed:
      "everybody in the tier is suppressed"
    case .tierNotDormant:
      "the tier ends before any stage's users are dormant, so nobody in it is contacted"
    case .tierFirstWithoutTiers:
      "`tier_first` puts tiers in order, and there are none"
    case .unreachableBin:
      "nobody who falls into the bin gets as far as to be judged by it"
    case .unknownBin:
      "the bin names no stage, tier or region group"
    case .otherDead:
      "the bins name every value there is, so `other` never applies"
    case .binsGap:
      "values that no bin names get 0 points, more or less than every bin that is named"
    case .scaleGap:
      "values from 0 up to the first bin count as missing, with an issue each time"
    case .rowConstant:
      "every bin gives the same points, so the row tells nobody apart"
    case .silenceRises:
      "points of the response rise with silence, against the recency"
    case .rowOutweighs:
      "one bin of the row lifts even the worst candidate over the cutoff, whatever all other rows say"
    case .hiddenKnockout:
      "one bin of the row declines even the best candidate: a knock-out in disguise"
    case .cutoffEverybody:
      "no candidate's score can fall below the cutoff, so nobody is declined for it"
    case .cutoffNobody:
      "no candidate's score can reach the cutoff, so everybody is declined"
    case .thinNever:
      "thin points never apply, or are 0"
    case .thinAlways:
      "`known_below` is more than the card has rows, so thin points always apply"
    case .reasonNever:
      "the row's code can never be among the principal reasons: others always cost more"
    case .underwritingNever:
      "no stage has the underwriting step ahead of it"
    case .recencyFlat:
      "recency is at its floor before a user is even dormant, so silence tells nobody apart"
    case .marginNegative:
      "a loan loses money even for the candidate of the base score"
    case .incrementalNotPositive:
      "no contact brings anything that would not have come alone, so every contact is a loss"
    case .couponTooLarge:
      "the coupon is more than the best loan can bring"
    case .loanCut:
      "the stage's `loan` is more than `money.max_loan`, and is always cut to it"
    case .useOfLimitZero:
      "`use_of_limit` is 0, so whoever has a limit is expected to borrow nothing"
    case .stageWorthless:
      "no channel is worth anything in the stage, even for the best candidate"
    case .channelNever:
      "nobody who could be contacted meets its `needs`"
    case .channelWorthless:
      "no contact on the channel is worth its price, even for the best candidate"
    case .channelCapMoot:
      "the channel's `cap_30d` is more than the cap over all channels, and never binds"
    case .capUnreachable:
      "`gap_days` alone keeps contacts below `cap_30d`, which never binds"
    case .ladderTooLong:
      "the ladder has more rungs than `cap_30d` contacts can open"
    case .windowCut:
      "part of a best window lies outside `hours`, and nothing is sent then"
    case .holdoutZero:
      "users explore, but none are held out: what contacts bring can never be measured"
    case .exploreZero:
      "users are held out, but none explore: nothing is learned of what the policy does not choose"
    case .shareRoundsToNobody:
      "the share is below one in 10,000, and rounds to nobody"
    case .exploreLarge:
      "half of all users or more get a channel by lot, and fill the limits first"
    case .holdoutLarge:
      "half of all users or more are never contacted"
    case .limitZero:
      "the limit is 0: nothing that counts against it can be planned"
    case .budgetUnspendable:
      "the channels' capacities are used up before the budget can be"
    case .quotaNever:
      "nobody who could be contacted meets the quota's condition"
    case .quotaAlways:
      "everybody meets the quota's condition: it limits the whole plan"
    case .regionUndeclared:
      "`region` is not declared a text, so nothing under `regions` but `utc_offset` counts"
    case .regionBoth:
      "the region is in a group, and not served"
    case .groupEmpty:
      "the group has no region"
    case .notServedUnused:
      "nothing asks for `region_served`, so users in regions not served are contacted"
    case .offsetUnknownRegion:
      "the region stands in no group, and is not one that is not served"
    case .offsetNotServed:
      "the region is not served, so its offset is never used"
    case .fieldUnused:
      "no condition, card row or stage reads the field"
    case .monotoneUnused:
      "no card has a row of the field, so the guardrail guards nothing"
    case .targetUnknown:
      "the target names no step and no event"
    case .psiNotRising:
      "the bounds of `psi` do not rise: look comes before act"
    case .windowMissing:
      "without `window_days` no outcome can be counted for a contact"
    case .parityMissing:
      "there are region groups, and no `parity` to hold their selection rates against"
    }
  }

  /// What to do about it.
  package var remedy: String {
    switch self {
    case .stageNever: "correct the condition, or remove the stage"
    case .stageShadowed: "move it before them, or remove it"
    case .stageWithoutClock: "name a time in `since` that such users have"
    case .stageNeverDormant: "lower `dormant`, or widen the condition"
    case .noStageRecalled: "give one stage its numbers"
    case .stepRepeated: "remove one of them"
    case .stepUnused: "name it in a stage, or remove it"
    case .conditionPartMoot: "remove the part, or correct it"
    case .unknownName: "write the name as the policy declares it"
    case .ruleNever: "correct the condition, or remove the rule"
    case .ruleAlways: "correct the condition, or remove the rule"
    case .ruleSame: "remove one of them"
    case .ruleImplied: "remove it, or correct one of the two"
    case .knockoutUnreachable: "remove it, or correct the rules before it"
    case .nobodyPasses: "correct the rules: one of them should not hold for somebody"
    case .tierSuppressed: "let the last tier end earlier, or correct the rule"
    case .tierNotDormant: "raise the tier's days, or remove it"
    case .tierFirstWithoutTiers: "declare tiers, or remove `tier_first`"
    case .unreachableBin: "remove the bin, or correct the rule that keeps everybody out of it"
    case .unknownBin: "write the name as the policy declares it"
    case .otherDead: "remove `other`, or the bin that it should stand for"
    case .binsGap: "write `other` with the points that they should have"
    case .scaleGap: "begin the bins at 0"
    case .rowConstant: "give its bins different points, or remove the row"
    case .silenceRises: "let the points fall, or remove the row: recency counts silence already"
    case .rowOutweighs: "bring its points closer together"
    case .hiddenKnockout: "write it as a rule under `knockout`, which says so, or lower its points"
    case .cutoffEverybody: "raise the cutoff, or widen the points"
    case .cutoffNobody: "lower the cutoff, or raise the points"
    case .thinNever: "raise `known_below` and let the points be below 0, or remove `thin`"
    case .thinAlways: "lower `known_below`"
    case .reasonNever: "raise `risk.reasons`, or widen the row's points"
    case .underwritingNever: "name the step in a stage, or remove `underwriting`"
    case .recencyFlat: "lower the floor, or raise the half-life"
    case .marginNegative: "raise the margin, or lower the loss"
    case .incrementalNotPositive: "raise `incremental`, or say `recall: never`"
    case .couponTooLarge: "lower the coupon"
    case .loanCut: "lower the loan, or raise the limit"
    case .useOfLimitZero: "raise `money.use_of_limit`, or remove `loan_from`"
    case .stageWorthless: "check rates, costs and coupon, or say `recall: never`"
    case .channelNever: "correct `needs`, or remove the channel"
    case .channelWorthless: "check its cost, reach, click and quit"
    case .channelCapMoot: "lower it, or raise the cap over all"
    case .capUnreachable: "lower the cap, or the gap"
    case .ladderTooLong: "raise `cap_30d`, move the rung forward, or say `ladder: best`"
    case .windowCut: "move the window, or widen `hours`"
    case .holdoutZero: "set `holdout` to 0.05, say"
    case .exploreZero: "set `explore` to 0.01, say"
    case .shareRoundsToNobody: "raise it to 0.0001 at least, or write 0"
    case .exploreLarge: "lower `explore`"
    case .holdoutLarge: "lower `holdout`"
    case .limitZero: "raise it, or write null for no limit"
    case .budgetUnspendable: "lower the budget, or raise a capacity"
    case .quotaNever: "correct the condition, or remove the quota"
    case .quotaAlways: "write `when: true` if that is meant, or correct it"
    case .regionUndeclared: "declare `region` under `fields.texts`"
    case .regionBoth: "take it out of one of them"
    case .groupEmpty: "list its regions, or remove it"
    case .notServedUnused: "add a knock-out `NOT region_served`"
    case .offsetUnknownRegion: "correct its name, or put it into a group"
    case .offsetNotServed: "remove the offset"
    case .fieldUnused: "remove it, or write the comment `# carried` behind it"
    case .monotoneUnused: "add the row, or remove the guardrail"
    case .targetUnknown: "write the name of a step, or of an event such as click"
    case .psiNotRising: "write the smaller one first"
    case .windowMissing: "add `review.window_days`"
    case .parityMissing: "add `review.parity`"
    }
  }
}
