import RouseCore

/// Writes decisions as the JSON of model 10. What does not depend on the candidate is made once: a row is mostly copies.
package final class DecisionWriter: Sendable {
  package let policy: Policy
  private let tables: WireTables
  private let offsetCount: Int
  /// By channel and offset.
  private let sendTimes: [[UInt8]]

  package init(scorer: Scorer, tables: WireTables) {
    policy = scorer.policy
    self.tables = tables
    offsetCount = scorer.offsetCount
    sendTimes = scorer.policy.channels.indices.flatMap { channel in
      (0..<scorer.offsetCount).map { quoted(scorer.sendAt(channel: channel, offset: $0)) }
    }
  }

  /// What a rank adds to a decision.
  package struct Placement {
    package var rank = 0
    /// Channel, -1 for null; nil: not shown.
    package var ghost: Int32?
    /// Micros.
    package var propensity: Int64?

    package init() {}
  }

  /// One decision as an object, without an LF.
  /// - Parameters:
  ///   - userID: empty for null.
  ///   - placement: in a rank.
  package func write(
    _ decision: Decision, userID: UnsafeRawBufferPointer, placement: Placement = Placement(), into out: inout ByteWriter
  ) {
    out.write("{\"user_id\":")
    if userID.isEmpty { out.write("null") } else { out.writeQuoted(userID) }
    out.write(",\"status\":\"")
    out.write(tables.statusNames[Int(decision.status.rawValue)])
    if placement.rank > 0 {
      out.write("\",\"rank\":")
      out.write(placement.rank)
      out.write(",\"reasons\":[")
    } else {
      out.write("\",\"reasons\":[")
    }
    for (index, reason) in decision.reasons.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.write(tables.codes[Int(reason)])
    }
    out.put(0x5D)
    if decision.depth >= .stage {
      out.write(",\"stage\":")
      if decision.stage >= 0 { out.write(tables.stageNames[decision.stage]) } else { out.write("null") }
    }
    if decision.depth >= .risk { writeRisk(decision, &out) }
    if decision.depth >= .value { writeValue(decision, &out) }
    if !decision.issues.isEmpty { writeIssues(decision.issues, &out) }
    if decision.ignored > 0 {
      out.write(",\"ignored\":")
      out.write(decision.ignored)
    }
    if let ghost = placement.ghost {
      out.write(",\"ghost\":")
      if ghost >= 0 { out.write(tables.channelNames[Int(ghost)]) } else { out.write("null") }
    }
    if let propensity = placement.propensity {
      out.write(",\"propensity\":")
      out.write(micros: propensity)
    }
    out.put(0x7D)
  }

  /// The member that a score adds when it is asked for.
  static func write(validUntil moment: Int64?, into out: inout ByteWriter) {
    out.write(",\"valid_until\":")
    guard let moment else { return out.write("null") }
    out.put(0x22)
    out.write(Moment.format(moment))
    out.put(0x22)
  }

  private func writeRisk(_ decision: Decision, _ out: inout ByteWriter) {
    out.write(",\"dormant_days\":")
    if let days = decision.dormantDays { out.write(days) } else { out.write("null") }
    out.write(",\"silent_days\":")
    if let days = decision.silentDays { out.write(days) } else { out.write("null") }
    out.write(",\"tier\":")
    if decision.tier >= 0 { out.write(tables.tierNames[decision.tier]) } else { out.write("null") }
    out.write(",\"risk_score\":")
    out.write(decision.riskScore)
    out.write(",\"pd\":")
    out.write(micros: Micros.from(decision.pd))
    if let until = decision.until {
      out.write(",\"until\":\"")
      out.write(Moment.format(until))
      out.put(0x22)
    }
  }

  private func writeValue(_ decision: Decision, _ out: inout ByteWriter) {
    out.write(",\"points\":")
    out.write(decision.points)
    out.write(",\"why\":[")
    var isFirst = true
    func separate(_ out: inout ByteWriter) {
      if !isFirst { out.put(0x2C) }
      isFirst = false
    }
    if decision.stage >= 0, let recall = policy.stages[decision.stage].recall, recall.points != 0 {
      separate(&out)
      out.write("[\"stage\",")
      out.write(tables.stageNames[decision.stage])
      out.put(0x2C)
      out.write(recall.points)
      out.put(0x5D)
    }
    if decision.recency != 0 {
      separate(&out)
      out.write("[\"recency\",\"")
      out.write(decision.silentDays ?? 0)
      out.write("d\",")
      out.write(decision.recency)
      out.put(0x5D)
    }
    if decision.approval != 0 {
      separate(&out)
      out.write("[\"approval\",\"")
      out.write(decision.riskScore)
      out.write("\",")
      out.write(decision.approval)
      out.put(0x5D)
    }
    for (row, bin) in decision.responseBins.enumerated() {
      let bins = tables.attributes[row]
      let text = bins[bin >= 0 ? Int(bin) : bin == Scorecard.Bin.missing ? bins.count - 2 : bins.count - 1]
      if text.isEmpty { continue }
      separate(&out)
      out.write(text)
    }
    out.write("],\"arm\":\"")
    out.write(decision.arm.name)
    out.put(0x22)
    guard decision.best < decision.options.count else { return }
    out.write(",\"best\":")
    write(decision.options[decision.best], offset: decision.offset, &out)
  }

  private func write(_ option: Option, offset: Int, _ out: inout ByteWriter) {
    out.write("{\"channel\":")
    out.write(tables.channelNames[Int(option.channel)])
    out.write(",\"p\":")
    out.write(micros: Int64(option.p))
    out.write(",\"value\":")
    out.write(micros: option.value)
    out.write(",\"spend\":")
    out.write(micros: option.spend)
    out.write(",\"capital\":")
    out.write(micros: option.capital)
    out.write(",\"roi\":")
    if let roi = option.roi { out.write(roi: roi) } else { out.write("null") }
    out.write(",\"send_at\":")
    out.write(sendTimes[Int(option.channel) * offsetCount + offset])
    out.put(0x7D)
  }

  private func writeIssues(_ issues: [Issue], _ out: inout ByteWriter) {
    out.write(",\"issues\":[")
    for (index, issue) in issues.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(issue.text(policy.fields))
    }
    out.put(0x5D)
  }
}

extension Issue {
  /// The text of model 2.2, 2.3 and 4.1.
  package func text(_ fields: FieldTable) -> String {
    switch self {
    case .wrongType(let slot):
      switch fields.type(ofSlot: slot) {
      case .time: fields.name(ofSlot: slot) + ": not a time"
      case .number: fields.name(ofSlot: slot) + ": not a number"
      case .boolean: fields.name(ofSlot: slot) + ": not true or false"
      case .text: fields.name(ofSlot: slot) + ": not a text"
      }
    case .ahead(let slot): fields.name(ofSlot: slot) + ": in the future"
    case .contactsNotAList: "contacts: not a list"
    case .contactsUnusable(let count, let all): "contacts: \(count) of \(all) not usable"
    case .belowTheScale(let slot): fields.name(ofSlot: slot) + ": below the scale"
    }
  }
}

extension Option {
  /// floor((20000 value + spend) / (2 spend)), in ten-thousandths; nil when nothing is spent (model 7).
  package var roi: Int128? {
    spend == 0 ? nil : floorDivide(20_000 * Int128(value) + Int128(spend), 2 * Int128(spend))
  }
}
