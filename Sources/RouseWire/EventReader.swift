import RouseCore

/// Reads events: one line each, or the items of a request's list. A bad one never fails those beside it.
package struct EventReader {
  /// What a line, or an item, turned out to be.
  package enum Reading {
    case event(EventEntry)
    /// It is no event.
    /// - key: the sender's name for it, where it has one.
    /// - at: JSON pointer into the event.
    case invalid(key: String?, at: String?, message: String)
    case end, cancel
  }

  private let vocabulary: EventVocabulary
  /// The latest moment that does not lie ahead, in seconds since 1970.
  private let latest: Int64
  private var names = KeyNames()
  private var scratch: [UInt8] = []

  /// - Parameter now: seconds since 1970, by the server's clock.
  package init(policy: Policy, vocabulary: EventVocabulary, now: Int64) {
    self.vocabulary = vocabulary
    latest = now + policy.definition.clockSkew
  }

  /// - Parameter line: within a `Block`.
  package mutating func read(_ line: UnsafeRawBufferPointer) -> Reading {
    guard let start = line.baseAddress else { return .invalid(key: nil, at: nil, message: "the line is empty") }
    var scanner = JSONScanner(base: start.assumingMemoryBound(to: UInt8.self), count: line.count)
    names.removeAll()
    do throws(JSONFault) {
      scanner.skipSpace()
      guard scanner.byte == 0x7B else { throw scanner.fault(.notAnObject) }
      let value = try scanner.value(0, &names, &scratch)
      scanner.skipSpace()
      guard scanner.at == scanner.end else { throw scanner.fault() }
      return read(value.members, mayControl: true)
    } catch {
      return .invalid(key: nil, at: nil, message: WireError(error).message)
    }
  }

  /// Reads the next item of a request's list.
  mutating func read(_ scanner: inout JSONScanner, depth: Int) throws(JSONFault) -> Reading {
    guard scanner.byte == 0x7B else {
      try scanner.skip(depth, &names, &scratch)
      return .invalid(key: nil, at: nil, message: "an event is an object")
    }
    return read(try scanner.value(depth, &names, &scratch).members, mayControl: false)
  }

  private struct Fault: Error {
    let at: String?
    let message: String
  }

  private func read(_ members: [JSONValue.Member], mayControl: Bool) -> Reading {
    if mayControl, let control = members.first(where: { $0.name == "op" })?.value.text {
      if control == "end" { return .end }
      if control == "cancel" { return .cancel }
    }
    let key = members.first { $0.name == "key" }?.value.text
    do throws(Fault) {
      let event = try event(members)
      return .event(EventEntry(event, fault: vocabulary.fault(of: event) ?? (event.at > latest ? .future : nil)))
    } catch {
      return .invalid(key: key, at: error.at, message: error.message)
    }
  }

  private static let known = ["key", "user_id", "kind", "at", "channel", "plan", "campaign", "amount", "cost"]

  private func event(_ members: [JSONValue.Member]) throws(Fault) -> Event {
    var event = Event(key: [], userID: [], kind: .login, at: .min)
    var hasKind = false
    for member in members {
      let at = "/" + pointer(member.name)
      switch member.name {
      case "key": event.key = try bytes(member.value, 1...128, at)
      case "user_id": event.userID = try bytes(member.value, 1...CandidateRow.longestUserID, at)
      case "kind":
        event.kind = EventKind(named: String(decoding: try bytes(member.value, 1...128, at), as: UTF8.self))
        hasKind = true
      case "at": event.at = try moment(member.value, at)
      case "channel": event.channel = try name(member.value, at)
      case "plan": event.plan = try name(member.value, at)
      case "campaign": event.campaign = try name(member.value, at)
      case "amount": event.amount = try money(member.value, at)
      case "cost": event.cost = try money(member.value, at)
      case let name where name.utf8.starts(with: "x_".utf8): continue
      case let name:
        throw Fault(
          at: at, message: "an event has no such member" + Suggestion.sentence(for: name, among: Self.known))
      }
    }
    if event.key.isEmpty {
      throw Fault(at: "/key", message: "key is missing: it lets an event that is sent again count once")
    }
    if event.userID.isEmpty { throw Fault(at: "/user_id", message: "user_id is missing") }
    if !hasKind { throw Fault(at: "/kind", message: "kind is missing: contact, click, repaid or the like") }
    if event.at == .min { throw Fault(at: "/at", message: "at is missing: when it happened") }
    try check(event)
    return event
  }

  /// What goes with which kind.
  private func check(_ event: Event) throws(Fault) {
    switch event.kind {
    case .contact:
      if event.channel == nil { throw Fault(at: "/channel", message: "channel is missing: a contact is made on one") }
    case .delivered, .click: break
    default:
      if event.channel != nil {
        throw Fault(at: "/channel", message: "only contact, delivered and click have a channel")
      }
    }
    if event.cost != nil, event.kind != .contact { throw Fault(at: "/cost", message: "only a contact has a cost") }
    guard event.amount != nil else { return }
    switch event.kind {
    case .disbursed, .repaid, .defaulted, .step: break
    default:
      throw Fault(at: "/amount", message: "only disbursed, repaid, defaulted and the policy's steps have an amount")
    }
  }

  private func bytes(_ value: JSONValue, _ range: ClosedRange<Int>, _ at: String) throws(Fault) -> [UInt8] {
    guard case .text(let text) = value, range.contains(text.utf8.count) else {
      throw Fault(at: at, message: "a string of \(range.lowerBound) to \(range.upperBound) bytes belongs here")
    }
    return Array(text.utf8)
  }

  /// null is missing.
  private func name(_ value: JSONValue, _ at: String) throws(Fault) -> String? {
    if value.isNull { return nil }
    return String(decoding: try bytes(value, 1...256, at), as: UTF8.self)
  }

  private func moment(_ value: JSONValue, _ at: String) throws(Fault) -> Int64 {
    if case .text(let text) = value, let moment = Moment.parse(text) { return moment }
    if case .number = value, let seconds = value.number, seconds == seconds.rounded(),
      seconds >= Double(Moment.first), seconds <= Double(Moment.last)
    {
      return Int64(seconds)
    }
    throw Fault(
      at: at, message: "an RFC 3339 time with its offset, like 2026-03-01T10:00:00+08:00, or whole seconds belong here")
  }

  private func money(_ value: JSONValue, _ at: String) throws(Fault) -> Int64? {
    if value.isNull { return nil }
    guard let number = value.number, number >= 0, number <= 1e12 else {
      throw Fault(at: at, message: "a number from 0 to 1000000000000 belongs here")
    }
    return Micros.from(number)
  }
}
