import RouseCore

/// Every piece of an explanation that does not depend on the candidate, with the punctuation around it. What differs from
/// candidate to candidate by one of a few outcomes stands here once for each of them; entries of lists have a comma after
/// them.
final class ExplanationTexts: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// By slot: a fact that has no value, and what stands before and after a value.
  struct Fact: BitwiseCopyable {
    let missing: Fragment
    let notUsable: Fragment
    let before: Fragment
    let after: Fragment
    /// What begins a change of it.
    let change: Fragment
    let type: ValueType
  }

  /// An entry by the truth of a condition.
  struct Entry: BitwiseCopyable {
    let no: Fragment
    let null: Fragment
    let yes: Fragment

    subscript(truth: Truth) -> Fragment {
      switch truth {
      case .no: no
      case .null: null
      case .yes: yes
      }
    }
  }

  /// What a channel is to a user, but for those whose needs are not met.
  enum State: Int, CaseIterable {
    case needsNotMet, notOpen, atCap, free

    static let count = allCases.count

    var name: String {
      switch self {
      case .needsNotMet: "needs not met"
      case .notOpen: "not open yet"
      case .atCap: "at its cap"
      case .free: "free"
      }
    }
  }

  /// Why an option was chosen, or was not.
  enum Because: Int, CaseIterable {
    case drawn, notDrawn, heldOut, unprofitable, best, notBest

    var say: String {
      switch self {
      case .drawn: "explore: the user's hash drew this channel"
      case .notDrawn: "explore: the user's hash drew another channel"
      case .heldOut: "the best, but the user is held out"
      case .unprofitable: "the best, but it costs more than it brings"
      case .best: "worth the most"
      case .notBest: "worth less than the best, or as much for more spend or further down the ladder"
      }
    }
  }

  /// The pieces in plain memory, each list by an index of the policy; valid while the texts live.
  struct View: BitwiseCopyable {
    // In the order in which they are written.
    let facts, stages, clock, rules, risk, thin, thinKnown, thinEnough, thinPoints, score, pd: Fragment
    let contact, lastContact, channels, rung, noRung, recent, p, spend, value, capital, worth: Fragment
    let chosen, notChosen, closedBefore, noApproval, approval, responseRows, points: Fragment
    let loan, perLoan, change, noChange, to, contactsTo, couldTurn, null, none, yes, no, end: Fragment
    let ofFact: UnsafeMutablePointer<Fact>
    let slotCount: Int
    let ofStage: UnsafeMutablePointer<Entry>
    /// Suppress rules, then knockout rules.
    let ofRule: UnsafeMutablePointer<Entry>
    /// By place: other, missing, then the bins.
    let attributes: UnsafeMutablePointer<Fragment>
    /// Where those of a row begin.
    let riskStarts: UnsafeMutablePointer<Int>
    let responseStarts: UnsafeMutablePointer<Int>
    /// By stage.
    let lifts: UnsafeMutablePointer<Fragment>
    /// What begins a channel's entry.
    let ofChannel: UnsafeMutablePointer<Entry>
    /// By channel and `State`, and the end of the entry of one that is no option.
    let states: UnsafeMutablePointer<Fragment>
    let stateReasons: UnsafeMutablePointer<Fragment>
    /// By stage and channel: the chance at 0 points.
    let chances: UnsafeMutablePointer<Fragment>
    let becauses: UnsafeMutablePointer<Fragment>
    /// By stage.
    let responses: UnsafeMutablePointer<Fragment>
    let halfLives: UnsafeMutablePointer<Fragment>
    let steps: UnsafeMutablePointer<Fragment>
    let loanFields: UnsafeMutablePointer<Fragment>
    let money: UnsafeMutablePointer<Fragment>
    let arms: UnsafeMutablePointer<Fragment>
    /// By status: in a change, what stands between its value and its reasons.
    let statuses: UnsafeMutablePointer<Fragment>
    let codes: UnsafeMutablePointer<Fragment>
    /// The policy's texts, quoted.
    let texts: UnsafeMutablePointer<Fragment>
    /// Where they stand.
    let bytes: UnsafePointer<UInt8>
  }
  let view: View

  init(policy: Policy) {
    let definition = policy.definition
    var texts = FragmentTexts()
    func entry(_ start: String, _ rest: String) -> Entry {
      func text(_ truth: Truth) -> Fragment { texts.add(start + ",\"truth\":\"\(truth.name)\"" + rest) }
      return Entry(no: text(.no), null: text(.null), yes: text(.yes))
    }
    let facts = (0..<policy.fields.slotCount).map { slot in
      let name = json(policy.fields.name(ofSlot: slot))
      let type = policy.fields.type(ofSlot: slot)
      let start = "{\"name\":\(name),\"type\":\"\(type.rawValue)\",\"value\":"
      let source =
        slot < policy.fields.declared.count
        ? "candidate" : slot == policy.fields.nowSlot ? "request" : "derived"
      return Fact(
        missing: texts.add(start + "null,\"source\":\"missing\"},"),
        notUsable: texts.add(start + "null,\"source\":\"not usable\"},"),
        before: texts.add(start), after: texts.add(",\"source\":\"\(source)\"},"),
        change: texts.add("{\"field\":\(name),\"from\":"), type: type)
    }
    let stages = definition.stages.map { stage in
      entry("{\"stage\":\(json(stage.name)),\"when\":\(json(stage.when.text))", "},")
    }
    func rule(_ kind: String, _ rule: RuleDefinition) -> Entry {
      entry(
        "{\"kind\":\"\(kind)\",\"code\":\(json(rule.code)),\"when\":\(json(rule.when.text))",
        (rule.say.map { ",\"say\":" + json($0) } ?? "") + "},")
    }
    let rules = definition.suppress.map { rule("suppress", $0) } + definition.knockout.map { rule("knockout", $0) }
    var attributes: [Fragment] = []
    func starts(_ card: Scorecard) -> [Int] {
      card.rows.map { row in
        let start = attributes.count
        let bins =
          [Scorecard.Bin.other, Scorecard.Bin.missing] + row.points.indices.map { Int32(truncatingIfNeeded: $0) }
        attributes += bins.map { bin in
          texts.add(
            "{\"name\":\(json(row.name)),\"bin\":\(json(row.name(ofBin: bin))),\"points\":\(row.points(ofBin: bin)),"
              + "\"top\":\(row.top)"
              + (row.code.map { ",\"code\":" + json(policy.codes[$0].code) } ?? "") + "},")
        }
        return start
      }
    }
    let riskStarts = starts(policy.risk)
    let responseStarts = starts(policy.response)
    let risk = definition.risk
    let lifts = policy.stages.map { stage in
      let lift = stage.recall?.isAheadOfUnderwriting == true ? risk.underwriting?.lift ?? 0 : 0
      return texts.add(",\"cutoff\":\(risk.cutoff),\"lift\":\(lift),\"odds\":")
    }
    let channels = definition.channels.map {
      entry("{\"channel\":\(json($0.name)),\"needs\":\(json($0.needs.text))", "")
    }
    let states = definition.channels.flatMap { channel in
      State.allCases.map { texts.add(",\"cap\":\(channel.cap30d),\"state\":\"\($0.name)\"") }
    }
    let stateReasons = State.allCases.map { texts.add(",\"chosen\":false,\"because\":\"\($0.name)\"},") }
    let chances = policy.stages.flatMap { stage in
      definition.channels.indices.map { channel in
        texts.add(stage.recall.map { ",\"chance\":\(shortest($0.chance[channel])),\"odds\":" } ?? "")
      }
    }
    let becauses = Because.allCases.map { texts.add(json($0.say) + "},") }
    let responses = policy.stages.map {
      texts.add(",\"response\":{\"stage_points\":\($0.recall?.points ?? 0),\"recency\":{\"silent_days\":")
    }
    let halfLives = policy.stages.map { texts.add(",\"half_life\":\($0.recall?.halfLife ?? 0),\"points\":") }
    let steps = policy.stages.map { stage in
      let steps = (stage.recall?.steps ?? []).map { index in
        let step = definition.response.steps[index]
        return "{\"step\":\(json(step.name)),\"rate\":\(shortest(step.rate))}"
      }
      return texts.add(",\"steps\":[\(steps.joined(separator: ","))]},\"money\":{\"amount\":")
    }
    let money = definition.money
    func from(_ name: String) -> Fragment {
      texts.add(
        ",\"from\":\(json(name)),\"use_of_limit\":\(shortest(money.useOfLimit)),\"max_loan\":"
          + "\(shortest(money.maxLoan)),\"margin\":\(shortest(money.margin)),\"loss_given_default\":"
          + "\(shortest(money.lossGivenDefault)),\"pd\":")
    }
    let loanFields = policy.stages.map { from($0.recall?.loanFrom.map { policy.fields.name(ofSlot: $0) } ?? "loan") }
    let stageMoney = policy.stages.map { stage in
      texts.add(
        stage.recall.map {
          ",\"coupon\":\(shortest($0.coupon)),\"incremental\":\(shortest($0.incremental)),\"relationship\":"
            + "\(shortest(money.relationship)),\"hurdle\":\(shortest(money.hurdle))},\"experiment\":{\"share\":"
        } ?? "")
    }
    let arms: [Experiment.Arm] = [.policy, .explore, .holdout]
    let shares = [UInt8]().withUnsafeBytes { policy.experiment.shares($0) }
    let armTexts = arms.map { arm in
      texts.add(
        ",\"holdout_below\":\(shares.holdoutBelow),\"explore_below\":\(shares.exploreBelow),\"arm\":"
          + "\(json(arm.name))}")
    }
    let statuses = Status.allCases.map { texts.add(",\"status\":\"\($0.name)\",\"reasons\":[") }
    let codes = policy.codes.map { texts.add(quoted($0.code) + [0x2C]) }
    let quotedTexts = policy.texts.texts.map { texts.add(quoted($0)) }
    let contact = definition.contact
    let knownBelow = ",\"known_below\":\(risk.thin?.knownBelow ?? 0),\"points\":"
    func one(_ text: String) -> Fragment { texts.add(text) }
    view = View(
      facts: one("{\"facts\":["), stages: one("],\"stages\":["), clock: one("],\"clock\":"), rules: one(",\"rules\":["),
      risk: one("],\"risk\":{\"base_score\":\(risk.baseScore),\"base_odds\":\(shortest(risk.baseOdds)),\"rows\":["),
      thin: one("],\"thin\":"), thinKnown: one("{\"known\":"), thinEnough: one(knownBelow + "0}"),
      thinPoints: one(knownBelow + "\(risk.thin?.points ?? 0)}"), score: one(",\"score\":"),
      pd: one(",\"pd\":"),
      contact: one(
        "},\"contact\":{\"ladder\":\(json(contact.ladder.rawValue)),\"gap_days\":\(contact.gapDays),\"cap_30d\":"
          + "\(contact.cap30d),\"contacts_30d\":"),
      lastContact: one(",\"last_contact\":"), channels: one("},\"channels\":["), rung: one(",\"rung\":"),
      noRung: one(",\"rung\":null,\"recent\":"), recent: one(",\"recent\":"), p: one(",\"p\":"),
      spend: one(",\"spend\":"), value: one(",\"value\":"), capital: one(",\"capital\":"), worth: one(",\"worth\":"),
      chosen: one(",\"chosen\":true,\"because\":"), notChosen: one(",\"chosen\":false,\"because\":"),
      closedBefore: one(",\"chosen\":false,\"because\":\"the gate was closed before\"},"),
      noApproval: one("},\"approval\":null,\"rows\":["),
      approval: one("},\"approval\":{\"follow\":\(shortest(risk.underwriting?.follow ?? 0)),\"points\":"),
      responseRows: one("},\"rows\":["), points: one("],\"points\":"), loan: from("loan"),
      perLoan: one(",\"per_loan\":"), change: one(",\"change\":"), noChange: one(",\"change\":null"),
      to: one(",\"to\":"),
      contactsTo: one("{\"field\":\"contacts\",\"to\":"), couldTurn: one(",\"could_turn\":["), null: one("null"),
      none: one("[]"), yes: one("true"), no: one("false"), end: one("]}"), ofFact: plainMemory(facts),
      slotCount: facts.count, ofStage: plainMemory(stages), ofRule: plainMemory(rules),
      attributes: plainMemory(attributes), riskStarts: plainMemory(riskStarts),
      responseStarts: plainMemory(responseStarts), lifts: plainMemory(lifts), ofChannel: plainMemory(channels),
      states: plainMemory(states), stateReasons: plainMemory(stateReasons), chances: plainMemory(chances),
      becauses: plainMemory(becauses), responses: plainMemory(responses), halfLives: plainMemory(halfLives),
      steps: plainMemory(steps),
      loanFields: plainMemory(loanFields), money: plainMemory(stageMoney), arms: plainMemory(armTexts),
      statuses: plainMemory(statuses), codes: plainMemory(codes), texts: plainMemory(quotedTexts),
      bytes: UnsafePointer(plainMemory(texts.padded)))
  }

  deinit {
    view.ofFact.deallocate()
    view.ofStage.deallocate()
    view.ofRule.deallocate()
    view.attributes.deallocate()
    view.riskStarts.deallocate()
    view.responseStarts.deallocate()
    view.lifts.deallocate()
    view.ofChannel.deallocate()
    view.states.deallocate()
    view.stateReasons.deallocate()
    view.chances.deallocate()
    view.becauses.deallocate()
    view.responses.deallocate()
    view.halfLives.deallocate()
    view.steps.deallocate()
    view.loanFields.deallocate()
    view.money.deallocate()
    view.arms.deallocate()
    view.statuses.deallocate()
    view.codes.deallocate()
    view.texts.deallocate()
    view.bytes.deallocate()
  }
}

/// JSON strings.
private func quoted(_ text: [UInt8]) -> [UInt8] {
  var writer = ByteWriter(capacity: text.count + 2)
  text.withUnsafeBytes { writer.writeQuoted($0) }
  return writer.array
}
private func json(_ text: String) -> String { String(decoding: quoted(text), as: UTF8.self) }
