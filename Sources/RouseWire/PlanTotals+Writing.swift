import RouseCore

extension PlanTotals {
  /// `{"lines":..}`, the plan's totals (model 10).
  /// - Parameter totals: of all lines, with those of the plan among them.
  package func write(_ totals: Totals, _ policy: Policy, into out: inout ByteWriter) {
    out.put(0x7B)
    totals.write(
      [.invalid, .suppressed, .active, .declined, .resting, .holdout, .unprofitable, .contact, .waitlist], into: &out)
    out.write(",\"contacts\":")
    out.write(contacts)
    out.write(",\"value\":")
    out.write(micros: value)
    out.write(",\"spend\":")
    out.write(micros: spend)
    out.write(",\"capital\":")
    out.write(micros: capital)
    out.write(",\"by_channel\":{")
    for (index, channel) in policy.channels.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(channel.name)
      out.put(0x3A)
      out.write(byChannel[index])
    }
    out.write("},\"net_value\":")
    out.write(micros: floorDivide(netValue, Int128(Micros.one)))
    out.write(",\"net_value_at_most\":")
    out.write(micros: -floorDivide(-netValueAtMost, Int128(Micros.one)))
    out.write(",\"cut\":[")
    for (index, cut) in cut.enumerated() {
      if index > 0 { out.put(0x2C) }
      write(cut, &out)
    }
    out.write("]}")
  }

  private func write(_ cut: Plan.Cut, _ out: inout ByteWriter) {
    out.write("{\"limit\":")
    out.writeQuoted(cut.limit)
    out.write(",\"max\":")
    out.write(micros: cut.most)
    out.write(",\"used\":")
    out.write(micros: cut.used)
    out.write(",\"price\":")
    out.write(micros: cut.price)
    out.write(",\"say\":")
    var price = ByteWriter(capacity: 64)
    price.write(micros: cut.price)
    out.writeQuoted(cut.say + String(decoding: price.array, as: UTF8.self) + " of net value")
    out.put(0x7D)
  }
}
