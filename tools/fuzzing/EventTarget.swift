import RouseCore

@testable import RouseWire

/// Lines of events. However they come they are read alike, one reading a line; an event is what a plain reading of its
/// line makes of it, and what is refused names a place that is there to be found.
func fuzzEvent(_ input: [UInt8]) {
  let lines = input.split(separator: 0x0A).map { Array($0) }.filter { !$0.withUnsafeBytes { isBlank($0) } }
  let trees = lines.map { StrictJSON.read($0) }
  let control = trees.firstIndex { isControl($0) } ?? lines.count
  let readings = streamed(input)
  demand(readings.count == control, "\(control) lines have \(readings.count) readings")
  for (tree, (line, reading)) in zip(trees, zip(lines, readings)) { checkEvent(tree, line, reading) }

  // What may stand in a request: any JSON that is not too deep inside two more.
  let fitting = (0..<control).filter { trees[$0].map { $0.depth <= StrictJSON.deepest - 2 } ?? false }
  let got = inline(fitting.map { lines[$0] })
  let wanted = fitting.map { written(readings[$0]) }
  demand(got.count == wanted.count, "\(wanted.count) events of a request have \(got.count) readings")
  for (index, (left, right)) in zip(got, wanted).enumerated() where lines[fitting[index]].first != 0x5B {
    let isObject = if case .object? = trees[fitting[index]] { true } else { false }
    demand(!isObject || left == right, "inline \(left), as a line \(right)")
  }
}

private let world = Offline.all[0]
private let reader = EventReader(
  policy: world.policy, vocabulary: EventVocabulary(policy: world.policy), now: Offline.now)

private func isControl(_ line: StrictJSON?) -> Bool {
  guard let line, case .object = line, let operation = line["op"] else { return false }
  return operation.isText("end") || operation.isText("cancel")
}

private func streamed(_ bytes: [UInt8]) -> [EventReader.Reading] {
  var readings: [EventReader.Reading] = []
  let block = bytes.withUnsafeBytes { Block($0) }
  let stop = EventWorker(reader: reader, longestLine: 1 << 22).read(block) { readings.append($0) }
  demand(stop != .lineTooLong, "no line is too long")
  return readings
}

private func inline(_ lines: [[UInt8]]) -> [String] {
  let text = Array("{\"op\":\"record\",\"events\":[".utf8) + lines.joined(separator: [0x2C]) + Array("]}".utf8)
  let block = text.withUnsafeBytes { Block($0) }
  var readings: [String] = []
  do throws(WireError) {
    try EventWorker(reader: reader, longestLine: 1 << 22).read(block, eventsAt: 24) { readings.append(written($0)) }
  } catch {
    demand(false, "\(shown(text)) is refused: \(error)")
  }
  return readings
}

private func written(_ reading: EventReader.Reading) -> String { "\(reading)" }

private func checkEvent(_ tree: StrictJSON?, _ line: [UInt8], _ reading: EventReader.Reading) {
  switch reading {
  case .end, .cancel: demand(false, "a control is an event: \(shown(line))")
  case .invalid(_, _, let message):
    demand(!message.isEmpty && !message.contains("\n"), "a message is empty, or has two lines")
  case .event(let entry):
    guard let tree, case .object(let members) = tree else {
      return demand(false, "\(shown(line)) is no object, and an event")
    }
    let event = entry.event
    demand(tree["key"] == text(event.key), "another key than that of \(shown(line))")
    demand(tree["user_id"] == text(event.userID), "another user than that of \(shown(line))")
    demand(tree["kind"]?.isText(event.kind.name) == true, "another kind than that of \(shown(line))")
    demand((1...128).contains(event.key.count) && (1...128).contains(event.userID.count), "a length beyond its bounds")
    demand((Moment.first...Moment.last).contains(event.at), "\(event.at) is no moment")
    for amount in [event.amount, event.cost].compactMap(\.self) {
      demand((0...1_000_000_000_000_000_000).contains(amount), "\(amount) is no amount")
    }
    let known = ["key", "user_id", "kind", "at", "channel", "plan", "campaign", "amount", "cost"]
    for member in members {
      let name = String(String.UnicodeScalarView(member.name))
      demand(
        known.contains { $0.utf8.elementsEqual(name.utf8) } || name.utf8.starts(with: "x_".utf8), "\(name) is taken")
    }
  }
}

private func text(_ bytes: [UInt8]) -> StrictJSON {
  .text(Array(String(decoding: bytes, as: UTF8.self).unicodeScalars))
}
