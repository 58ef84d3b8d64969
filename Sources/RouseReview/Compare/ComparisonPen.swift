import RouseCore
import RouseWire

/// Writes JSON members and items one after another, with the commas between them.
struct ComparisonPen: ~Copyable {
  private(set) var out = ByteWriter(capacity: 1 << 16)

  private mutating func separate() {
    switch out.bytes.last {
    case nil, 0x7B, 0x5B, 0x3A: break
    default: out.put(0x2C)
    }
  }

  mutating func key(_ name: StaticString) {
    separate()
    out.put(0x22)
    out.write(name)
    out.write("\":")
  }

  mutating func key(_ name: String) {
    separate()
    out.writeQuoted(name)
    out.put(0x3A)
  }

  mutating func object(_ body: (inout ComparisonPen) -> Void) {
    separate()
    out.put(0x7B)
    body(&self)
    out.put(0x7D)
  }

  mutating func object(_ name: StaticString, _ body: (inout ComparisonPen) -> Void) {
    key(name)
    object(body)
  }

  mutating func list<Items: Sequence>(
    _ name: StaticString, _ items: Items, _ body: (inout ComparisonPen, Items.Element) -> Void
  ) {
    key(name)
    out.put(0x5B)
    for item in items { body(&self, item) }
    out.put(0x5D)
  }

  mutating func item(_ text: String) {
    separate()
    out.writeQuoted(text)
  }

  mutating func null(_ name: StaticString) {
    key(name)
    out.write("null")
  }

  mutating func null() { out.write("null") }

  mutating func count(_ value: Int) { out.write(value) }

  mutating func text(_ name: StaticString, _ text: String?) {
    key(name)
    if let text { out.writeQuoted(text) } else { out.write("null") }
  }

  mutating func quoted(_ name: StaticString, _ bytes: [UInt8]) {
    key(name)
    bytes.withUnsafeBytes { out.writeQuoted($0) }
  }

  mutating func flag(_ name: StaticString, _ flag: Bool) {
    key(name)
    if flag { out.write("true") } else { out.write("false") }
  }

  mutating func whole(_ name: StaticString, _ value: Int?) {
    key(name)
    if let value { out.write(value) } else { out.write("null") }
  }

  mutating func number(_ name: StaticString, _ value: Double?) {
    key(name)
    if let value { out.write(number: value) } else { out.write("null") }
  }

  /// A number rounded to six decimals.
  mutating func money(_ name: StaticString, _ value: Double?) {
    number(name, value.map { ($0 * 1e6).rounded() / 1e6 })
  }

  mutating func micros(_ name: StaticString, _ value: Int128?) {
    key(name)
    if let value { out.write(micros: value) } else { out.write("null") }
  }

  /// What something is worth, from 1e-12.
  mutating func worth(_ name: StaticString, _ value: Int128) {
    micros(name, floorDivide(value, Int128(Micros.one)))
  }

  mutating func rate(_ name: StaticString, _ rate: Rate) {
    object(name) { pen in
      pen.whole("count", rate.count)
      pen.whole("of", rate.of)
      pen.number("rate", rate.share)
      pen.number("low", rate.interval.low)
      pen.number("high", rate.interval.high)
    }
  }
}
