import RouseCore

/// What most of an explanation consists of: entries of its lists that differ from candidate to candidate by one of a few
/// outcomes. Each stands here as it is written, with a comma after it.
final class ExplanationTexts: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// By slot: a fact that has no value, and what stands before and after a value.
  struct Fact: BitwiseCopyable {
    let missing: Fragment
    let notUsable: Fragment
    let before: Fragment
    let after: Fragment
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

  let facts: [Fact]
  let stages: [Entry]
  /// Suppress rules, then knockout rules.
  let rules: [Entry]
  /// By row and bin: other, missing, then the bins.
  let riskRows: [[Fragment]]
  let responseRows: [[Fragment]]
  /// What begins a channel's entry, without a comma.
  let channels: [Entry]
  /// What begins the risk's object.
  let risk: Fragment
  /// Members that no candidate changes, with a comma before each: of the money, by stage of the money and of the response.
  let money: Fragment
  let stageMoney: [Fragment]
  let stageSteps: [Fragment]
  /// A channel's chance at 0 points, by stage and channel.
  let chances: [[Fragment]]
  /// Where all of them stand.
  private let bytes: UnsafePointer<UInt8>

  init(policy: Policy) {
    let definition = policy.definition
    var texts = FragmentTexts()
    func entry(_ start: String, _ rest: String) -> Entry {
      func text(_ truth: Truth) -> Fragment {
        texts.add(start + ",\"truth\":\"\(truth.name)\"" + rest)
      }
      return Entry(no: text(.no), null: text(.null), yes: text(.yes))
    }
    facts = (0..<policy.fields.slotCount).map { slot in
      let start =
        "{\"name\":\(json(policy.fields.name(ofSlot: slot))),\"type\":\""
        + policy.fields.type(ofSlot: slot).rawValue + "\",\"value\":"
      let source =
        slot < policy.fields.declared.count
        ? "candidate" : slot == policy.fields.nowSlot ? "request" : "derived"
      return Fact(
        missing: texts.add(start + "null,\"source\":\"missing\"},"),
        notUsable: texts.add(start + "null,\"source\":\"not usable\"},"),
        before: texts.add(start), after: texts.add(",\"source\":\"\(source)\"},"))
    }
    stages = definition.stages.map { stage in
      entry("{\"stage\":\(json(stage.name)),\"when\":\(json(stage.when.text))", "},")
    }
    func rule(_ kind: String, _ rule: RuleDefinition) -> Entry {
      entry(
        "{\"kind\":\"\(kind)\",\"code\":\(json(rule.code)),\"when\":\(json(rule.when.text))",
        (rule.say.map { ",\"say\":" + json($0) } ?? "") + "},")
    }
    rules =
      definition.suppress.map { rule("suppress", $0) }
      + definition.knockout.map { rule("knockout", $0) }
    func rows(_ card: Scorecard) -> [[Fragment]] {
      card.rows.map { row in
        let bins =
          [Scorecard.Bin.other, Scorecard.Bin.missing]
          + row.points.indices.map { Int32(truncatingIfNeeded: $0) }
        return bins.map { bin in
          texts.add(
            "{\"name\":\(json(row.name)),\"bin\":\(json(row.name(ofBin: bin))),\"points\":\(row.points(ofBin: bin)),"
              + "\"top\":\(row.top)"
              + (row.code.map { ",\"code\":" + json(policy.codes[$0].code) } ?? "") + "},")
        }
      }
    }
    riskRows = rows(policy.risk)
    responseRows = rows(policy.response)
    let risk = definition.risk
    self.risk = texts.add(
      "{\"base_score\":\(risk.baseScore),\"base_odds\":\(shortest(risk.baseOdds))")
    let money = definition.money
    self.money = texts.add(
      ",\"use_of_limit\":\(shortest(money.useOfLimit)),\"max_loan\":\(shortest(money.maxLoan)),\"margin\":"
        + "\(shortest(money.margin)),\"loss_given_default\":\(shortest(money.lossGivenDefault))")
    stageMoney = policy.stages.map { stage in
      guard let recall = stage.recall else { return texts.add("") }
      return texts.add(
        ",\"coupon\":\(shortest(recall.coupon)),\"incremental\":\(shortest(recall.incremental)),\"relationship\":"
          + "\(shortest(money.relationship)),\"hurdle\":\(shortest(money.hurdle))")
    }
    stageSteps = policy.stages.map { stage in
      let steps = (stage.recall?.steps ?? []).map { index in
        let step = definition.response.steps[index]
        return "{\"step\":\(json(step.name)),\"rate\":\(shortest(step.rate))}"
      }
      return texts.add(",\"steps\":[\(steps.joined(separator: ","))]")
    }
    chances = policy.stages.map { stage in
      (stage.recall?.chance ?? []).map { texts.add(",\"chance\":\(shortest($0))") }
    }
    channels = definition.channels.map {
      entry("{\"channel\":\(json($0.name)),\"needs\":\(json($0.needs.text))", "")
    }
    bytes = UnsafePointer(plainMemory(texts.padded))
  }

  deinit { bytes.deallocate() }

  @inline(__always)
  func write(_ fragment: Fragment, into out: inout ByteWriter) {
    var cursor = out.cursor(Int(fragment.count))
    cursor.write(fragment, of: bytes)
    out.end(cursor)
  }

  func write(_ row: [Fragment], bin: Int32, into out: inout ByteWriter) {
    write(row[Int(bin) + 2], into: &out)
  }
}

/// A JSON string.
private func json(_ text: String) -> String { String(decoding: quoted(text), as: UTF8.self) }
