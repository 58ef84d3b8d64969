import RouseCore
import RouseWire

/// Writes an answer of the desk as JSON, member after member in the order in which they are named: counts as whole
/// numbers, money from micros, shares as the shortest decimals, what is not known as null.
package struct AnswerWriter: ~Copyable {
  private var out = ByteWriter()
  private var needsComma = false

  package init() {}

  package var bytes: [UInt8] { out.array }

  private mutating func begin() {
    if needsComma { out.put(0x2C) }
    needsComma = true
  }

  private mutating func begin(_ name: String) {
    begin()
    out.writeQuoted(name)
    out.put(0x3A)
  }

  // MARK: - Objects and lists

  /// The whole of an answer, or an item of a list.
  package mutating func object(_ body: (inout AnswerWriter) -> Void) {
    begin()
    enclosed(0x7B, 0x7D, body)
  }

  package mutating func object(_ name: String, _ body: (inout AnswerWriter) -> Void) {
    begin(name)
    enclosed(0x7B, 0x7D, body)
  }

  package mutating func list<Items: Sequence>(
    _ name: String, _ items: Items, _ body: (inout AnswerWriter, Items.Element) -> Void
  ) {
    begin(name)
    enclosed(0x5B, 0x5D) { answer in for item in items { body(&answer, item) } }
  }

  private mutating func enclosed(_ open: UInt8, _ close: UInt8, _ body: (inout AnswerWriter) -> Void) {
    out.put(open)
    needsComma = false
    body(&self)
    out.put(close)
    needsComma = true
  }

  // MARK: - Members

  package mutating func null(_ name: String) {
    begin(name)
    out.write("null")
  }

  package mutating func set(_ name: String, _ value: Int?) {
    guard let value else { return null(name) }
    begin(name)
    out.write(value)
  }

  package mutating func set(_ name: String, _ value: Bool) {
    begin(name)
    out.write(value ? "true" : "false")
  }

  package mutating func set(_ name: String, _ value: String?) {
    guard let value else { return null(name) }
    begin(name)
    out.writeQuoted(value)
  }

  /// A share or another number without a unit.
  package mutating func set(_ name: String, _ value: Double?) {
    guard let value, value.isFinite else { return null(name) }
    begin(name)
    out.write(number: value)
  }

  package mutating func set(_ name: String, micros: Int64?) {
    guard let micros else { return null(name) }
    begin(name)
    out.write(micros: micros)
  }

  package mutating func set(_ name: String, moment: Int64) { set(name, Moment.format(moment)) }

  /// `{"count":..,"of":..,"rate":..,"low":..,"high":..}` with Wilson's interval.
  package mutating func set(_ name: String, _ rate: Rate?) {
    guard let rate else { return null(name) }
    object(name) { $0.write(rate) }
  }

  private mutating func write(_ rate: Rate) {
    let interval = rate.interval
    set("count", rate.count)
    set("of", rate.of)
    set("rate", rate.share)
    set("low", interval.low)
    set("high", interval.high)
  }

  package mutating func set(_ name: String, texts: [String]) {
    begin(name)
    enclosed(0x5B, 0x5D) { answer in
      for text in texts {
        answer.begin()
        answer.out.writeQuoted(text)
      }
    }
  }

  /// JSON that has been made already.
  package mutating func set(_ name: String, json: [UInt8]) {
    begin(name)
    out.write(json)
  }
}
