import RouseWire

/// An answer being made, before it is written as JSON.
indirect enum JSONTree {
  case null
  case flag(Bool)
  case whole(Int)
  case number(Double)
  case text(String)
  case list([JSONTree])
  case object([(String, JSONTree)])

  static func optional(_ number: Double?) -> JSONTree { number.map { .number($0) } ?? .null }
  /// `{"count","of","rate","low","high"}`: the interval is Wilson's, 95 %.
  static func rate(_ rate: Rate) -> JSONTree {
    .object([
      ("count", .whole(rate.count)), ("of", .whole(rate.of)), ("rate", .optional(rate.share)),
      ("low", .number(rate.interval.low)), ("high", .number(rate.interval.high)),
    ])
  }

  func write(into out: inout ByteWriter) {
    switch self {
    case .null: out.write("null")
    case .flag(let flag): out.write(flag ? "true" : "false")
    case .whole(let whole): out.write(whole)
    case .number(let number): out.write(number: number)
    case .text(let text): out.writeQuoted(text)
    case .list(let items):
      out.put(0x5B)
      for (index, item) in items.enumerated() {
        if index > 0 { out.put(0x2C) }
        item.write(into: &out)
      }
      out.put(0x5D)
    case .object(let members):
      out.put(0x7B)
      for (index, member) in members.enumerated() {
        if index > 0 { out.put(0x2C) }
        out.writeQuoted(member.0)
        out.put(0x3A)
        member.1.write(into: &out)
      }
      out.put(0x7D)
    }
  }

  var bytes: [UInt8] {
    var out = ByteWriter()
    write(into: &out)
    return out.array
  }
}
