import RouseCore
import RousePolicy

@testable import RouseWire

/// A policy's text, in YAML and in JSON: it loads, or all that is wrong with it has a place inside it. One that loads
/// decides on candidates, whatever it says.
func fuzzPolicy(_ input: [UInt8]) {
  for format in [Document.Format.yaml, .json] {
    let first = read(input, format)
    switch (first, read(input, format)) {
    case (.failure(let faults), .failure(let again)):
      demand(faults == again, "read twice, the faults differ")
      checkPlaces(faults.all, input, format)
    case (.success(let definition), .success(let again)):
      decide(definition, again, input)
    default: demand(false, "read twice, it loads once")
    }
  }
}

private func read(_ bytes: [UInt8], _ format: Document.Format) -> Result<PolicyDefinition, PolicyDiagnostics> {
  Result { () throws(PolicyDiagnostics) in try PolicyReader.read(bytes, format: format) }
}

private func checkPlaces(_ faults: [Diagnostic], _ bytes: [UInt8], _ format: Document.Format) {
  demand(!faults.isEmpty, "it does not load, and nothing is wrong")
  let widths = format == .yaml ? widths(of: bytes) : []
  for fault in faults {
    demand(!fault.message.isEmpty && !fault.line(file: "f").contains("\n"), "\(fault) is not one line")
    guard let line = fault.line, let column = fault.column else {
      demand(format == .json && fault.line == nil && fault.column == nil, "\(fault) has no place")
      continue
    }
    demand(format == .yaml, "\(fault) has a place")
    demand(
      (1...widths.count).contains(line) && (1...widths[line - 1] + 1).contains(column),
      "\(fault) is outside the text")
  }
}

/// Characters of each line, as YAML breaks lines. Bytes that are no UTF-8 end the last one.
private func widths(of bytes: [UInt8]) -> [Int] {
  var widths = [0]
  var decoder = UTF8()
  var iterator = bytes.makeIterator()
  var last: Unicode.Scalar = " "
  while case .scalarValue(let scalar) = decoder.decode(&iterator) {
    switch scalar {
    case "\n" where last == "\r": break
    case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": widths.append(0)
    default: widths[widths.count - 1] += 1
    }
    last = scalar
  }
  return widths
}

private func decide(_ definition: PolicyDefinition, _ again: PolicyDefinition, _ text: [UInt8]) {
  let offline = Offline(Policy(definition, bytes: text))
  let lines = candidates(definition.fields)
  check(offline, lines)
  let rows = Offline(Policy(again, bytes: text)).score(lines, .explain).rows
  demand(offline.score(lines, .explain).rows == rows, "read twice, it decides in two ways")
}

/// One with nothing, and some with all fields, at the ends of what they may hold and in between.
private func candidates(_ fields: FieldTable) -> [UInt8] {
  let now = Offline.now
  let times = [now - 1, now - 40 * Moment.day, now - 700 * Moment.day, Moment.first, Moment.last, now + 100]
  let numbers = ["0", "1e308", "-1e308", "3", "5e-324", "250.5"]
  let texts = ["", "X1", "high", "CN-31", "ios", "joined"]
  var lines = ["{\"user_id\":\"nothing\"}"]
  for shape in 0..<12 {
    var members = ["\"user_id\":\"u\(shape)\""]
    for (index, field) in fields.declared.enumerated() {
      let pick = shape < 6 ? shape : (shape * 5 + index) % 7
      guard pick < 6, !field.name.contains(".") else { continue }
      var value = ByteWriter()
      value.writeQuoted(field.name)
      value.write(":")
      switch field.kind.type {
      case .time: value.write(Int(times[pick]))
      case .number: value.write(numbers[pick])
      case .boolean: value.write(pick % 3 > 0 ? "true" : "false")
      case .text: value.writeQuoted(texts[pick])
      }
      members.append(String(decoding: value.array, as: UTF8.self))
    }
    let contacts = (0..<shape % 4).map { "{\"at\":\(now - Int64($0 * 5 + 1) * Moment.day),\"channel\":\"sms\"}" }
    members.append("\"contacts\":[\(contacts.joined(separator: ","))]")
    lines.append("{\(members.joined(separator: ","))}")
  }
  return Array(lines.joined(separator: "\n").utf8)
}
