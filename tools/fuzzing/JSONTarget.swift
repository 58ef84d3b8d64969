import RouseCore

@testable import RouseWire

/// One JSON text: alone, as a member of a request, and as a member of a candidate. It is accepted exactly where the plain
/// reader accepts it, and means the same.
func fuzzJSON(_ input: [UInt8]) {
  let text = Array(input.prefix { $0 != 0x0A })
  let plain = StrictJSON.read(text)
  let value = JSONValue(text)
  demand((plain != nil) == (value != nil), "alone, \(shown(text)) is \(value == nil ? "refused" : "taken")")
  if let plain, let value {
    demand(same(value, plain), "\(shown(text)) is read as \(value.json)")
    demand(JSONValue(value.json.utf8).map { same($0, plain) } ?? false, "\(value.json) does not say \(shown(text))")
  }
  checkDoubles(plain, text)
  checkRequest(Array("{\"op\":\"ping\",\"x_\":".utf8) + text + Array("}".utf8))
  checkRequest(text)
  let offline = Offline.all[0]
  for place in ["x", "credit_limit", "registered_at", "device", "sms_ok", "region", "contacts"] {
    let line = Array("{\"user_id\":\"a\",\"\(place)\":".utf8) + text + Array("}".utf8)
    let rows = offline.score(line, isStream: false).rows
    demand(
      rows.elementsEqual(Offline.refused) == !Offline.isCandidate(StrictJSON.read(line)),
      "\(shown(line)) is answered with \(shown(rows))")
  }
}

private func checkRequest(_ line: [UInt8]) {
  var reader = RequestReader()
  let block = line.withUnsafeBytes { Block($0) }
  let reading = reader.read(block)
  var isObject = false
  if case .object? = StrictJSON.read(line) { isObject = true }
  demand(
    isObject == (reading.fault == nil), "the request \(shown(line)) has \(reading.fault?.code.rawValue ?? "no fault")")
  if let fault = reading.fault {
    demand((0...line.count).contains(fault.offset ?? -1), "a fault of \(shown(line)) is at \(fault.offset ?? -1)")
  }
}

/// Bit for bit the double that the library makes of the text.
private func checkDoubles(_ plain: StrictJSON?, _ text: [UInt8]) {
  guard case .number(let digits)? = plain else { return }
  let block = Array(digits.utf8).withUnsafeBytes { Block($0) }
  guard let base = block.bytes.baseAddress else { return }
  var scanner = JSONScanner(base: base.assumingMemoryBound(to: UInt8.self), count: block.count - 1)
  guard let number = try? scanner.number() else { return demand(false, "\(digits) is no number") }
  let double = scanner.double(number)
  demand(scanner.at == digits.utf8.count, "\(digits) ends elsewhere")
  demand(double.bitPattern == (Double(digits) ?? .nan).bitPattern, "\(digits) is read as \(double)")
}

private func same(_ value: JSONValue, _ plain: StrictJSON) -> Bool {
  switch (value, plain) {
  case (.null, .null): true
  case (.boolean(let left), .boolean(let right)): left == right
  case (.number(let left), .number(let right)): left == right
  case (.text(let left), .text(let right)): left.unicodeScalars.elementsEqual(right)
  case (.list(let left), .list(let right)): left.count == right.count && zip(left, right).allSatisfy(same)
  case (.object(let left), .object(let right)):
    left.count == right.count
      && zip(left, right).allSatisfy { $0.name.unicodeScalars.elementsEqual($1.name) && same($0.value, $1.value) }
  default: false
  }
}
