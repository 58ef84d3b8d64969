import RouseCore
import TestData

/// Candidates as a lender's systems would send them.
enum SimulatedUser {
  /// The rest of a candidate's line behind its user_id, at a moment.
  static func facts(at now: Int64, hasDrifted: Bool, _ random: inout SplitMix) -> String {
    let joined = now - Int64(20 + random.next() % 150) * Moment.day
    var text = ",\"joined_at\":\"\(Moment.format(joined))\""
    if random.comes(0.5) {
      text += ",\"granted_at\":\"\(Moment.format(joined + Moment.day))\",\"limit\":\(1000 + random.next() % 3000)"
    }
    text += ",\"sms_ok\":\(random.comes(0.9)),\"email_ok\":\(random.comes(0.8))"
    text += ",\"app\":\(random.comes(hasDrifted ? 0.2 : 0.6)),\"used\":\(random.comes(0.4))"
    text += ",\"loans\":\(random.next() % 5),\"score\":\(380 + random.next() % 400)"
    return text + ",\"region\":\"\(random.comes(0.5) ? "X1" : "X2")\"}"
  }
}
