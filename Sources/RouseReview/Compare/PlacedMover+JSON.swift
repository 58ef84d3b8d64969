import RouseCore

extension ComparisonResult {
  static func write(_ placed: PlacedMover, _ result: ComparisonResult, _ pen: inout ComparisonPen) {
    let mover = placed.mover
    pen.object { pen in
      pen.quoted("user_id", mover.userID)
      pen.micros("change", Int128(mover.change))
      write("old", placed.old, mover.old, result.old, &pen)
      write("new", placed.new, mover.new, result.new, &pen)
      let explanation = MoverExplanation(mover, old: result.old.policy, new: result.new.policy)
      pen.list("moved", explanation.rows) { pen, row in
        pen.object { pen in
          pen.text("card", row.card)
          pen.text("row", row.row)
          pen.text("old_bin", row.oldBin)
          pen.whole("old", row.old)
          pen.text("new_bin", row.newBin)
          pen.whole("new", row.new)
          pen.whole("change", row.change)
        }
      }
      pen.list("numbers", explanation.numbers) { pen, number in
        pen.object { pen in
          pen.text("name", number.name)
          pen.money("old", number.old)
          pen.money("new", number.new)
        }
      }
    }
  }

  private static func write(
    _ name: StaticString, _ placed: ComparisonTally.Placed, _ facts: MoverFacts, _ side: ComparedPolicy,
    _ pen: inout ComparisonPen
  ) {
    let policy = side.policy
    let code = Int(placed.side.code)
    let option = placed.taken ?? facts.best
    let hasValue = facts.depth >= .value
    pen.object(name) { pen in
      pen.text("status", placed.status.name)
      pen.text("code", policy.codes.indices.contains(code) ? policy.codes[code].code : nil)
      pen.text("stage", policy.stages.indices.contains(facts.stage) ? policy.stages[facts.stage].name : nil)
      pen.text("tier", facts.tier >= 0 ? policy.tierName(facts.tier) : nil)
      pen.text("region_group", side.groups.indices.contains(Int(facts.group)) ? side.groups[Int(facts.group)] : nil)
      pen.text("channel", option.flatMap { channelName($0, policy) })
      pen.micros("net_value", Int128(placed.side.gain(policy)))
      pen.micros("value", option.map { Int128($0.value) })
      pen.micros("spend", option.map { Int128($0.spend) })
      pen.whole("risk_score", facts.depth >= .risk ? facts.riskScore : nil)
      pen.money("pd", facts.depth >= .risk ? facts.pd : nil)
      pen.whole("points", hasValue ? facts.points : nil)
      pen.money("p", option.map { Double($0.p) / 1e6 })
      pen.money("amount", hasValue ? facts.amount : nil)
      pen.money("per_loan", hasValue ? facts.perLoan : nil)
    }
  }

  private static func channelName(_ option: Option, _ policy: Policy) -> String? {
    policy.channels.indices.contains(Int(option.channel)) ? policy.channels[Int(option.channel)].name : nil
  }
}
