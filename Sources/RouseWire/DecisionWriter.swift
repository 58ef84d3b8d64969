import RouseCore

/// Writes decisions as the JSON of model 10. What does not depend on the candidate is made once: a row is mostly copies.
package final class DecisionWriter: Sendable {
  package let policy: Policy
  let tables: WireTables
  private let texts: DecisionTexts

  package init(scorer: Scorer, tables: WireTables) {
    policy = scorer.policy
    self.tables = tables
    texts = DecisionTexts(scorer: scorer)
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
    _ decision: Decision, userID: UnsafeRawBufferPointer, placement: Placement = Placement(),
    into out: inout ByteWriter
  ) {
    let view = texts.view
    let bytes = view.bytes
    var cursor = out.cursor(view.most + userID.count + decision.reasonCount * view.mostCode)
    if userID.isEmpty {
      cursor.write(view.nobody, of: bytes)
    } else {
      cursor.write(view.userID, of: bytes)
      let plain = cursor.writePlain(userID)
      if plain < userID.count {
        out.end(cursor)
        out.writeEscaped(UnsafeRawBufferPointer(rebasing: userID[plain...]))
        cursor = out.cursor(view.most + decision.reasonCount * view.mostCode)
      }
      cursor.put(0x22)
    }
    cursor.write(view.statuses[Int(decision.status.rawValue)], of: bytes)
    if placement.rank > 0 {
      cursor.write(view.rank, of: bytes)
      cursor.write(placement.rank)
    }
    cursor.write(view.reasons, of: bytes)
    for index in 0..<decision.reasonCount {
      cursor.write(view.codes[Int(decision.lists.reasons[index])], of: bytes)
    }
    // Each code has a comma after it.
    if decision.reasonCount > 0 { cursor.at -= 1 }
    cursor.put(0x5D)
    if decision.depth >= .stage { cursor.write(view.stages[decision.stage + 1], of: bytes) }
    if decision.depth >= .risk { writeRisk(decision, view, &cursor) }
    if decision.depth >= .value { writeValue(decision, view, &cursor) }
    if !decision.issues.isEmpty {
      out.end(cursor)
      writeIssues(decision.issues, &out)
      cursor = out.cursor(view.most)
    }
    if decision.ignored > 0 {
      cursor.write(view.ignored, of: bytes)
      cursor.write(decision.ignored)
    }
    if let ghost = placement.ghost {
      cursor.write(view.ghosts[Int(ghost) + 1], of: bytes)
    }
    if let propensity = placement.propensity {
      cursor.write(view.propensity, of: bytes)
      cursor.write(micros: propensity)
    }
    cursor.put(0x7D)
    out.end(cursor)
  }

  /// The member that a score adds when it is asked for.
  static func write(validUntil moment: Int64?, into out: inout ByteWriter) {
    out.write(",\"valid_until\":")
    guard let moment else { return out.write("null") }
    out.write(moment: moment)
  }

  @inline(__always)
  private func writeRisk(
    _ decision: Decision, _ view: DecisionTexts.View, _ cursor: inout ByteCursor
  ) {
    let bytes = view.bytes
    cursor.write(view.dormantDays, of: bytes)
    if let days = decision.dormantDays {
      cursor.write(days)
    } else {
      cursor.write(view.null, of: bytes)
    }
    cursor.write(view.silentDays, of: bytes)
    if let days = decision.silentDays {
      cursor.write(days)
    } else {
      cursor.write(view.null, of: bytes)
    }
    cursor.write(view.tiers[decision.tier + 1], of: bytes)
    cursor.write(decision.riskScore)
    cursor.write(view.pd, of: bytes)
    cursor.write(micros: Micros.from(decision.pd))
    if let until = decision.until {
      cursor.write(view.until, of: bytes)
      cursor.write(moment: until)
      cursor.put(0x22)
    }
  }

  @inline(__always)
  private func writeValue(
    _ decision: Decision, _ view: DecisionTexts.View, _ cursor: inout ByteCursor
  ) {
    let bytes = view.bytes
    cursor.write(view.points, of: bytes)
    cursor.write(decision.points)
    cursor.write(view.why, of: bytes)
    let why = cursor.at
    cursor.write(view.stagePoints[decision.stage], of: bytes)
    if decision.recency != 0 {
      cursor.write(view.recency, of: bytes)
      cursor.write(decision.silentDays ?? 0)
      cursor.write(view.days, of: bytes)
      cursor.write(decision.recency)
      cursor.write(view.end, of: bytes)
    }
    if decision.approval != 0 {
      cursor.write(view.approval, of: bytes)
      cursor.write(decision.riskScore)
      cursor.write(view.close, of: bytes)
      cursor.write(decision.approval)
      cursor.write(view.end, of: bytes)
    }
    for row in 0..<decision.responseBinCount {
      let bin = Int(decision.lists.responseBins[row])
      cursor.write(view.attributes[Int(view.attributeStarts[row]) + bin + 2], of: bytes)
    }
    // Each of them has a comma after it.
    if cursor.at != why { cursor.at -= 1 }
    cursor.write(view.arms[Int(decision.arm.rawValue)], of: bytes)
    guard let best = decision.bestOption else { return }
    cursor.write(view.bests[Int(best.channel)], of: bytes)
    cursor.write(micros: Int64(best.p))
    cursor.write(view.value, of: bytes)
    cursor.write(micros: best.value)
    cursor.write(view.spend, of: bytes)
    cursor.write(micros: best.spend)
    cursor.write(view.capital, of: bytes)
    cursor.write(micros: best.capital)
    cursor.write(view.roi, of: bytes)
    if let roi = best.roi {
      cursor.write(tenThousandths: roi)
    } else {
      cursor.write(view.null, of: bytes)
    }
    cursor.write(view.sendTimes[Int(best.channel) * view.offsetCount + decision.offset], of: bytes)
  }

  /// `,"send_at":..`
  func writeSendAt(channel: Int, offset: Int, into out: inout ByteWriter) {
    let fragment = texts.view.sendTimes[channel * texts.view.offsetCount + offset]
    var cursor = out.cursor(Int(fragment.count))
    cursor.write(fragment, of: texts.view.bytes)
    // It ends the object of a best channel.
    cursor.at -= 1
    out.end(cursor)
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
  var roi: Int128? {
    if spend == 0 { return nil }
    // Nearly every option's numbers fit: a division of 128 bits is a call.
    let (scaled, isLarge) = value.multipliedReportingOverflow(by: 20_000)
    let (sum, isLarger) = scaled.addingReportingOverflow(spend)
    let (twice, isLargest) = spend.addingReportingOverflow(spend)
    if isLarge || isLarger || isLargest || twice <= 0 {
      return floorDivide(20_000 * Int128(value) + Int128(spend), 2 * Int128(spend))
    }
    return Int128(floorDivide(sum, twice))
  }
}
