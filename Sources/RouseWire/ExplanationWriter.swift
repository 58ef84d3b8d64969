import RouseCore

/// Writes the whole calculation behind a decision (protocol, `explain`): facts, rules, cards, money, channels, and what
/// would change it.
final class ExplanationWriter {
  private let scorer: Scorer
  private let policy: Policy
  private let whatIf: WhatIf
  private let writer: DecisionWriter
  private let texts: ExplanationTexts

  init(scorer: Scorer, writer: DecisionWriter) {
    self.scorer = scorer
    self.writer = writer
    policy = scorer.policy
    whatIf = WhatIf(scorer: scorer)
    texts = writer.tables.explanation
  }

  /// - Parameter row: as it was scored, with its texts kept.
  func write(_ row: CandidateRow, _ decision: Decision, into out: inout ByteWriter) {
    out.put(0x7B)
    member("facts", &out) { facts(row, decision, &$0) }
    member("stages", &out) { stages(row, &$0) }
    member("clock", &out) { out in if let clock = decision.clock { out.write(moment: clock) } else { out.write("null") }
    }
    if decision.depth >= .risk {
      member("rules", &out) { rules(row, &$0) }
      member("risk", &out) { risk(row, decision, &$0) }
      member("contact", &out) { contact(decision, &$0) }
      member("channels", &out) { channels(row, decision, &$0) }
    }
    if decision.depth >= .value {
      member("response", &out) { response(decision, &$0) }
      member("money", &out) { money(row, decision, &$0) }
      member("experiment", &out) { experiment(row, decision, &$0) }
    }
    let turns = whatIf.turns(row, decision)
    member("change", &out) { out in if let change = turns.change { turn(change, row, &out) } else { out.write("null") }
    }
    member("could_turn", &out) { out in list(turns.couldTurn, &out) { turn($0, row, &$1) } }
    out.put(0x7D)
  }

  // MARK: - JSON

  /// A member of the object at hand; the first one has no comma before it.
  private func member(_ name: StaticString, _ out: inout ByteWriter, _ value: (inout ByteWriter) -> Void) {
    if out.last != 0x7B { out.put(0x2C) }
    out.put(0x22)
    out.write(name)
    out.write("\":")
    value(&out)
  }

  private func member(_ name: StaticString, _ text: String, _ out: inout ByteWriter) {
    member(name, &out) { $0.writeQuoted(text) }
  }
  private func member(_ name: StaticString, _ value: Int, _ out: inout ByteWriter) {
    member(name, &out) { $0.write(value) }
  }
  private func member(_ name: StaticString, _ value: Double, _ out: inout ByteWriter) {
    member(name, &out) { $0.write(number: value) }
  }
  private func member(_ name: StaticString, micros: Int64, _ out: inout ByteWriter) {
    member(name, &out) { $0.write(micros: micros) }
  }

  /// A list of entries that have a comma after each.
  private func entries(_ out: inout ByteWriter, _ write: (inout ByteWriter) -> Void) {
    out.put(0x5B)
    write(&out)
    if out.last == 0x2C { out.truncate(to: out.count - 1) }
    out.put(0x5D)
  }

  private func list<Items: Sequence>(
    _ items: Items, _ out: inout ByteWriter, _ write: (Items.Element, inout ByteWriter) -> Void
  ) {
    out.put(0x5B)
    var isFirst = true
    for item in items {
      if !isFirst { out.put(0x2C) }
      isFirst = false
      write(item, &out)
    }
    out.put(0x5D)
  }

  private func object(_ out: inout ByteWriter, _ members: (inout ByteWriter) -> Void) {
    out.put(0x7B)
    members(&out)
    out.put(0x7D)
  }

  // MARK: - Parts

  private func facts(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    entries(&out) { out in
      for slot in texts.facts.indices {
        let fact = texts.facts[slot]
        switch row.states[slot] {
        case FactState.present:
          texts.write(fact.before, into: &out)
          self.fact(slot, row, &out)
          texts.write(fact.after, into: &out)
        case FactState.missing: texts.write(fact.missing, into: &out)
        default: texts.write(fact.notUsable, into: &out)
        }
      }
    }
  }

  private func fact(_ slot: Int, _ row: CandidateRow, _ out: inout ByteWriter) {
    guard row.isPresent(slot) else { return out.write("null") }
    switch policy.fields.type(ofSlot: slot) {
    case .time: out.write(moment: Int64(bitPattern: row.bits[slot]))
    case .number: out.write(number: Double(bitPattern: row.bits[slot]))
    case .boolean: row.bits[slot] != 0 ? out.write("true") : out.write("false")
    case .text:
      if row.bits[slot] == TextTable.other { out.writeQuoted(row.keptText(slot)) } else { text(row.bits[slot], &out) }
    }
  }

  private func text(_ id: UInt64, _ out: inout ByteWriter) {
    policy.texts.texts[Int(id)].withUnsafeBytes { out.writeQuoted($0) }
  }

  private func stages(_ row: CandidateRow, _ out: inout ByteWriter) {
    entries(&out) { out in
      for (stage, truth) in scorer.stageTruths(row) { texts.write(texts.stages[stage][truth], into: &out) }
    }
  }

  private func rules(_ row: CandidateRow, _ out: inout ByteWriter) {
    entries(&out) { out in
      for (index, truth) in scorer.ruleTruths(row).enumerated() { texts.write(texts.rules[index][truth], into: &out) }
    }
  }

  private func rows(_ texts: [[Fragment]], _ bins: some Sequence<Int32>, _ out: inout ByteWriter) {
    entries(&out) { out in for (row, bin) in zip(texts, bins) { self.texts.write(row, bin: bin, into: &out) } }
  }

  private func risk(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    let risk = policy.definition.risk
    let bins = scorer.bins(policy.risk, row)
    texts.write(texts.risk, into: &out)
    member("rows", &out) { rows(texts.riskRows, bins, &$0) }
    member("thin", &out) { out in
      guard let thin = risk.thin else { return out.write("null") }
      let known = bins.count { $0 != Scorecard.Bin.missing }
      object(&out) { out in
        member("known", known, &out)
        member("known_below", thin.knownBelow, &out)
        member("points", known < thin.knownBelow ? thin.points : 0, &out)
      }
    }
    member("score", decision.riskScore, &out)
    member("cutoff", risk.cutoff, &out)
    member("lift", scorer.lift(decision), &out)
    member("odds", scorer.riskOdds(decision), &out)
    member("pd", micros: Micros.from(decision.pd), &out)
    out.put(0x7D)
  }

  private func contact(_ decision: Decision, _ out: inout ByteWriter) {
    let contact = policy.definition.contact
    object(&out) { out in
      member("ladder", contact.ladder.rawValue, &out)
      member("gap_days", Int(contact.gapDays), &out)
      member("cap_30d", contact.cap30d, &out)
      member("contacts_30d", decision.contacts30d, &out)
      member("last_contact", &out) { out in
        if let last = decision.lastContact { out.write(moment: last) } else { out.write("null") }
      }
    }
  }

  private func channels(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    var rung = 0
    list(policy.channels.indices, &out) { index, out in
      let truth = scorer.needs(index, row)
      if truth == .yes { rung += 1 }
      let definition = policy.definition.channels[index]
      let recent = scorer.recentContacts(index, row)
      let isOpen = policy.definition.contact.ladder == .best || rung <= 1 + decision.contacts30d
      let state =
        truth != .yes ? "needs not met" : !isOpen ? "not open yet" : recent >= definition.cap30d ? "at its cap" : "free"
      texts.write(texts.channels[index][truth], into: &out)
      member("rung", &out) { out in if truth == .yes { out.write(rung) } else { out.write("null") } }
      member("recent", recent, &out)
      member("cap", definition.cap30d, &out)
      member("state", state, &out)
      if let option = decision.options.firstIndex(where: { Int($0.channel) == index }) {
        self.option(option, decision, &out)
      } else {
        member("chosen", &out) { $0.write("false") }
        member("because", decision.depth < .value && state == "free" ? "the gate was closed before" : state, &out)
      }
      out.put(0x7D)
    }
  }

  private func option(_ index: Int, _ decision: Decision, _ out: inout ByteWriter) {
    let option = decision.options[index]
    let channel = Int(option.channel)
    if let odds = scorer.odds(channel, decision) {
      texts.write(texts.chances[decision.stage][channel], into: &out)
      member("odds", odds, &out)
    }
    member("p", micros: Int64(option.p), &out)
    member("spend", micros: option.spend, &out)
    member("value", micros: option.value, &out)
    member("capital", micros: option.capital, &out)
    member("worth", &out) { out in
      out.write(micros: floorDivide(policy.worth(value: option.value, spend: option.spend), Int128(Micros.one)))
    }
    writer.writeSendAt(channel: channel, offset: decision.offset, into: &out)
    let isBest = index == decision.best
    let isChosen = isBest && decision.status == .eligible
    member("chosen", &out) { isChosen ? $0.write("true") : $0.write("false") }
    let because =
      switch (isBest, decision.arm) {
      case (true, .explore): "explore: the user's hash drew this channel"
      case (false, .explore): "explore: the user's hash drew another channel"
      case (true, .holdout): "the best, but the user is held out"
      case (true, .policy):
        decision.status == .unprofitable ? "the best, but it costs more than it brings" : "worth the most"
      case (false, _): "worth less than the best, or as much for more spend or further down the ladder"
      }
    member("because", because, &out)
  }

  private func response(_ decision: Decision, _ out: inout ByteWriter) {
    guard decision.stage >= 0, let recall = policy.stages[decision.stage].recall else { return out.write("null") }
    object(&out) { out in
      member("stage_points", recall.points, &out)
      member("recency", &out) { out in
        object(&out) { out in
          member("silent_days", Int(decision.silentDays ?? 0), &out)
          member("half_life", recall.halfLife, &out)
          member("points", decision.recency, &out)
        }
      }
      member("approval", &out) { out in
        guard recall.isAheadOfUnderwriting, let underwriting = policy.definition.risk.underwriting else {
          return out.write("null")
        }
        object(&out) { out in
          member("follow", underwriting.follow, &out)
          member("points", decision.approval, &out)
        }
      }
      member("rows", &out) { rows(texts.responseRows, decision.responseBins, &$0) }
      member("points", decision.points, &out)
      texts.write(texts.stageSteps[decision.stage], into: &out)
    }
  }

  private func money(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    guard decision.stage >= 0, let recall = policy.stages[decision.stage].recall else { return out.write("null") }
    let from = recall.loanFrom.flatMap { slot in row.number(slot).flatMap { $0 > 0 ? slot : nil } }
    object(&out) { out in
      member("amount", decision.amount, &out)
      member("from", from.map { policy.fields.name(ofSlot: $0) } ?? "loan", &out)
      texts.write(texts.money, into: &out)
      member("pd", micros: Micros.from(decision.pd), &out)
      member("per_loan", decision.perLoan, &out)
      texts.write(texts.stageMoney[decision.stage], into: &out)
    }
  }

  private func experiment(_ row: CandidateRow, _ decision: Decision, _ out: inout ByteWriter) {
    let shares = policy.experiment.shares(row.userID)
    object(&out) { out in
      member("share", shares.share, &out)
      member("holdout_below", shares.holdoutBelow, &out)
      member("explore_below", shares.exploreBelow, &out)
      member("arm", decision.arm.name, &out)
    }
  }

  private func turn(_ turn: WhatIf.Turn, _ row: CandidateRow, _ out: inout ByteWriter) {
    object(&out) { out in
      member("field", turn.slot.map { policy.fields.name(ofSlot: $0) } ?? "contacts", &out)
      if let slot = turn.slot { member("from", &out) { fact(slot, row, &$0) } }
      member("to", &out) { value(turn.to, &$0) }
      member("status", turn.status.name, &out)
      member("reasons", &out) { out in list(turn.reasons, &out) { $1.writeQuoted(policy.codes[Int($0)].code) } }
    }
  }

  private func value(_ value: WhatIf.Value, _ out: inout ByteWriter) {
    switch value {
    case .missing: out.write("null")
    case .noContacts: out.write("[]")
    case .time(let time): out.write(moment: time)
    case .number(let number): out.write(number: number)
    case .flag(let flag): flag ? out.write("true") : out.write("false")
    case .text(let id): text(id, &out)
    }
  }
}
