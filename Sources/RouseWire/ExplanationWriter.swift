import RouseCore

/// Writes the whole calculation behind a decision (protocol, `explain`): facts, rules, cards, money, channels, and what
/// would change it. What does not depend on the candidate is made once: it is mostly copies.
final class ExplanationWriter {
  private let scorer: Scorer
  private let whatIf: WhatIf
  private let writer: DecisionWriter
  /// Keeps what the view points at.
  private let texts: ExplanationTexts
  private let view: ExplanationTexts.View

  init(scorer: Scorer, writer: DecisionWriter) {
    self.scorer = scorer
    self.writer = writer
    whatIf = WhatIf(scorer: scorer)
    texts = writer.tables.explanation
    view = texts.view
  }

  /// - Parameter row: as it was scored, with its texts kept.
  func write(_ row: CandidateRow, _ decision: Decision, into out: inout ByteWriter) {
    facts(row, &out)
    stages(row, &out)
    if let clock = decision.clock { out.write(moment: clock) } else { put(view.null, &out) }
    if decision.depth >= .risk {
      rules(row, &out)
      risk(row, decision, &out)
      contact(decision, &out)
      channels(row, decision, &out)
    }
    if decision.depth >= .value {
      response(decision, &out)
      money(row, decision, &out)
    }
    turns(row, decision, &out)
  }

  // MARK: - JSON

  @inline(__always)
  private func put(_ fragment: Fragment, _ out: inout ByteWriter) { out.write(fragment, of: view.bytes) }

  @inline(__always)
  private func put(_ fragment: Fragment, _ value: Int, _ out: inout ByteWriter) {
    put(fragment, &out)
    out.write(value)
  }

  @inline(__always)
  private func put(_ fragment: Fragment, micros: Int64, _ out: inout ByteWriter) {
    put(fragment, &out)
    out.write(micros: micros)
  }

  /// Takes the comma back that stands after the last entry of a list.
  @inline(__always)
  private func endEntries(_ out: inout ByteWriter) { if out.last == 0x2C { out.truncate(to: out.count - 1) } }

  // MARK: - Parts

  private func facts(_ row: CandidateRow, _ out: inout ByteWriter) {
    put(view.facts, &out)
    for slot in 0..<view.slotCount {
      let fact = view.ofFact + slot
      switch row.states[slot] {
      case FactState.present:
        put(fact.pointee.before, &out)
        value(slot, row, &out)
        put(fact.pointee.after, &out)
      case FactState.missing: put(fact.pointee.missing, &out)
      default: put(fact.pointee.notUsable, &out)
      }
    }
    endEntries(&out)
  }

  /// A fact that is present.
  private func value(_ slot: Int, _ row: CandidateRow, _ out: inout ByteWriter) {
    switch view.ofFact[slot].type {
    case .time: out.write(moment: Int64(bitPattern: row.bits[slot]))
    case .number: out.write(number: Double(bitPattern: row.bits[slot]))
    case .boolean: put(row.bits[slot] != 0 ? view.yes : view.no, &out)
    case .text:
      if row.bits[slot] == TextTable.other {
        row.withKeptText(slot) { out.writeQuoted($0) }
      } else {
        put(view.texts[Int(row.bits[slot])], &out)
      }
    }
  }

  private func stages(_ row: CandidateRow, _ out: inout ByteWriter) {
    put(view.stages, &out)
    for stage in 0..<scorer.stageCount {
      let truth = scorer.stageTruth(stage, row)
      put(view.ofStage[stage][truth], &out)
      if truth == .yes { break }
    }
    endEntries(&out)
    put(view.clock, &out)
  }

  private func rules(_ row: CandidateRow, _ out: inout ByteWriter) {
    put(view.rules, &out)
    let suppress = scorer.suppressCount
    for rule in 0..<suppress { put(view.ofRule[rule][scorer.suppressTruth(rule, row)], &out) }
    for rule in 0..<scorer.knockoutCount { put(view.ofRule[suppress + rule][scorer.knockoutTruth(rule, row)], &out) }
    endEntries(&out)
  }

  private func risk(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    put(view.risk, &out)
    var known = 0
    for index in 0..<scorer.riskRows {
      let place = scorer.riskPlace(index, row)
      if place != Scorer.missingPlace { known += 1 }
      put(view.attributes[view.riskStarts[index] + place], &out)
    }
    endEntries(&out)
    put(view.thin, &out)
    if let below = scorer.thinBelow {
      put(view.thinKnown, known, &out)
      put(known < below ? view.thinPoints : view.thinEnough, &out)
    } else {
      put(view.null, &out)
    }
    put(view.score, decision.riskScore, &out)
    put(view.lifts[decision.stage], &out)
    out.write(number: scorer.riskOdds(decision))
    put(view.pd, micros: Micros.from(decision.pd), &out)
  }

  private func contact(_ decision: Decision, _ out: inout ByteWriter) {
    put(view.contact, decision.contacts30d, &out)
    put(view.lastContact, &out)
    if let last = decision.lastContact { out.write(moment: last) } else { put(view.null, &out) }
  }

  private func channels(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    put(view.channels, &out)
    var rung = 0
    for index in 0..<scorer.channelCount {
      let truth = scorer.needs(index, row)
      put(view.ofChannel[index][truth], &out)
      if truth == .yes {
        rung += 1
        put(view.rung, rung, &out)
        put(view.recent, &out)
      } else {
        put(view.noRung, &out)
      }
      let recent = scorer.recentContacts(index, decision)
      out.write(recent)
      let state: ExplanationTexts.State =
        truth != .yes
        ? .needsNotMet
        : !scorer.isOpen(rung: rung, decision) ? .notOpen : scorer.isAtCap(index, recent) ? .atCap : .free
      put(view.states[index * ExplanationTexts.State.count + state.rawValue], &out)
      if let option = decision.option(on: index) {
        self.option(option, decision, &out)
      } else if decision.depth < .value, state == .free {
        put(view.closedBefore, &out)
      } else {
        put(view.stateReasons[state.rawValue], &out)
      }
    }
    endEntries(&out)
    out.put(0x5D)
  }

  private func option(_ index: Int, _ decision: Decision, _ out: inout ByteWriter) {
    let option = decision.lists.options[index]
    let channel = Int(option.channel)
    put(view.chances[decision.stage * scorer.channelCount + channel], &out)
    out.write(number: scorer.odds(channel, decision))
    put(view.p, micros: Int64(option.p), &out)
    put(view.spend, micros: option.spend, &out)
    put(view.value, micros: option.value, &out)
    put(view.capital, micros: option.capital, &out)
    put(view.worth, &out)
    out.write(micros: scorer.worth(option))
    writer.writeSendAt(channel: channel, offset: decision.offset, into: &out)
    let isBest = index == decision.best
    put(isBest && decision.status == .eligible ? view.chosen : view.notChosen, &out)
    let because: ExplanationTexts.Because =
      switch (isBest, decision.arm) {
      case (true, .explore): .drawn
      case (false, .explore): .notDrawn
      case (true, .holdout): .heldOut
      case (true, .policy): decision.status == .unprofitable ? .unprofitable : .best
      case (false, _): .notBest
      }
    put(view.becauses[because.rawValue], &out)
  }

  private func response(_ decision: Decision, _ out: inout ByteWriter) {
    let stage = decision.stage
    put(view.responses[stage], Int(decision.silentDays ?? 0), &out)
    put(view.halfLives[stage], decision.recency, &out)
    if scorer.isAheadOfUnderwriting(stage) {
      put(view.approval, decision.approval, &out)
      put(view.responseRows, &out)
    } else {
      put(view.noApproval, &out)
    }
    for (index, bin) in decision.responseBins.enumerated() {
      put(view.attributes[view.responseStarts[index] + Int(bin) + Scorer.missingPlace + 1], &out)
    }
    endEntries(&out)
    put(view.points, decision.points, &out)
    put(view.steps[stage], &out)
  }

  private func money(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    let stage = decision.stage
    out.write(number: decision.amount)
    put(scorer.hasLoanField(stage, row) ? view.loanFields[stage] : view.loan, &out)
    out.write(micros: Micros.from(decision.pd))
    put(view.perLoan, &out)
    out.write(number: decision.perLoan)
    put(view.money[stage], Int(decision.share), &out)
    put(view.arms[Int(decision.arm.rawValue)], &out)
  }

  // MARK: - What would change it

  private func turns(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    let findings = whatIf.findings(row, decision)
    if let change = findings.change {
      put(view.change, &out)
      turn(change, findings, row, &out)
      // Each has a comma after it.
      out.truncate(to: out.count - 1)
    } else {
      put(view.noChange, &out)
    }
    put(view.couldTurn, &out)
    for change in findings.couldTurn { turn(change, findings, row, &out) }
    endEntries(&out)
    put(view.end, &out)
  }

  private func turn(
    _ turn: WhatIf.Turn, _ findings: WhatIf.Findings, _ row: CandidateRow, _ out: inout ByteWriter
  ) {
    if let slot = turn.slot {
      put(view.ofFact[slot].change, &out)
      if row.isPresent(slot) { value(slot, row, &out) } else { put(view.null, &out) }
      put(view.to, &out)
    } else {
      put(view.contactsTo, &out)
    }
    switch turn.to {
    case .missing: put(view.null, &out)
    case .noContacts: put(view.none, &out)
    case .time(let time): out.write(moment: time)
    case .number(let number): out.write(number: number)
    case .flag(let flag): put(flag ? view.yes : view.no, &out)
    case .text(let id): put(view.texts[Int(id)], &out)
    }
    put(view.statuses[Int(turn.status.rawValue)], &out)
    for reason in findings.reasons(of: turn) { put(view.codes[Int(reason)], &out) }
    endEntries(&out)
    out.put(0x5D)
    out.put(0x7D)
    out.put(0x2C)
  }
}
