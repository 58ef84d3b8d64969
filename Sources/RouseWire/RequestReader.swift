import RouseCore

/// Reads a request's line. Faults are kept with what could be read of the request, so that the answer can carry the id,
/// and so that the first in order of precedence is given.
package struct RequestReader {
  /// What a line said.
  package struct Reading {
    package var request = Request()
    /// The line is no I-JSON object: it outranks all else.
    package var fault: WireError?
    /// `op` is missing, or names no operation.
    package var operationFault: WireError?
    /// The first thing wrong with the request's members.
    package var memberFault: WireError?
    /// `stream` is true, whatever else is wrong: if the request is refused, lines follow that are no requests.
    package var asksForStream = false
  }

  private var names = KeyNames()
  private var scratch: [UInt8] = []

  package init() {}

  /// - Parameter block: one line and its LF.
  package mutating func read(_ block: Block) -> Reading {
    var reading = Reading()
    guard let base = block.bytes.baseAddress else { return reading }
    var scanner = JSONScanner(base: base.assumingMemoryBound(to: UInt8.self), count: max(0, block.count - 1))
    names.removeAll()
    do {
      try object(&scanner, &reading)
    } catch {
      reading.fault = WireError(error)
    }
    return reading
  }

  private mutating func object(_ scanner: inout JSONScanner, _ reading: inout Reading) throws(JSONFault) {
    scanner.skipSpace()
    guard scanner.byte == 0x7B else { throw notAnObject(&scanner) }
    try scanner.enter(1)
    let mark = names.mark
    var isFirst = true
    var members: [JSONValue.Member] = []
    while let key = try scanner.nextKey(&isFirst) {
      try scanner.note(key, in: &names, since: mark, &scratch)
      let name = scanner.text(key)
      let start = scanner.at
      if name == "users", scanner.byte == 0x5B {
        reading.request.candidates = .users(at: start, count: try countItems(&scanner))
        continue
      }
      if name == "events", scanner.byte == 0x5B {
        reading.request.events = (start, try countItems(&scanner))
        continue
      }
      let value = try scanner.value(1, &names, &scratch)
      if name == "id" {
        setID(Array(UnsafeRawBufferPointer(start: scanner.base + start, count: scanner.at - start)), value, &reading)
      } else {
        members.append(JSONValue.Member(name: name, value: value))
      }
    }
    scanner.skipSpace()
    guard scanner.at == scanner.end else { throw scanner.fault() }
    RequestMembers.read(members, &reading)
  }

  /// A line of any other JSON value is told apart from a line that is none.
  private mutating func notAnObject(_ scanner: inout JSONScanner) -> JSONFault {
    let start = scanner.at
    do {
      try scanner.skip(0, &names, &scratch)
      scanner.skipSpace()
      return scanner.at == scanner.end ? JSONFault(.notAnObject, start) : scanner.fault()
    } catch {
      return error
    }
  }

  private mutating func countItems(_ scanner: inout JSONScanner) throws(JSONFault) -> Int {
    try scanner.enter(2)
    var isFirst = true
    var count = 0
    while try scanner.nextItem(&isFirst) {
      try scanner.skip(2, &names, &scratch)
      count += 1
    }
    return count
  }

  private func setID(_ raw: [UInt8], _ value: JSONValue, _ reading: inout Reading) {
    switch value {
    case .null: break
    case .text where raw.count <= 1026: reading.request.id = raw
    case .number where raw.count <= 40 && value.isInteger: reading.request.id = raw
    default:
      reading.memberFault =
        reading.memberFault
        ?? WireError(.badRequest, "id is a string of at most 1024 bytes, or an integer", at: "/id")
    }
  }
}

/// The members of a request and what each may hold.
private enum RequestMembers {
  static let common = ["op", "id", "as_of", "policy", "timeout_ms", "campaign"]

  static func known(_ operation: Operation) -> [String] {
    switch operation {
    case .ping, .info, .fields, .stats, .end, .cancel: common
    case .auth: common + ["token"]
    case .policy:
      common + [
        "do", "text", "format", "against", "shadow", "users", "audience", "ledger", "budget", "capital", "capacity",
        "quota", "tier_first", "limit", "since", "until", "weeks", "prior_sd", "least_events", "holdout_share",
      ]
    case .review: common + ["do", "since", "until", "weeks", "plan_id", "user_id", "new_user_cost"]
    case .score: common + ["users", "stream", "audience", "ledger", "explain", "valid_until"]
    case .rank:
      common + [
        "users", "stream", "audience", "ledger", "rows", "budget", "capital", "capacity", "quota", "tier_first",
        "limit", "commit", "plan_key",
      ]
    case .record: common + ["events", "stream"]
    case .load: common + ["users", "stream"]
    case .erase: common + ["user_ids"]
    case .user: common + ["user_id"]
    case .plans: common + ["before", "limit"]
    case .plan: common + ["plan_id"]
    }
  }

  static func read(_ members: [JSONValue.Member], _ reading: inout RequestReader.Reading) {
    if case .boolean(true)? = members.first(where: { $0.name == "stream" })?.value { reading.asksForStream = true }
    readOperation(members.first { $0.name == "op" }?.value, &reading)
    guard let operation = reading.request.operation else {
      return
    }
    let known = known(operation)
    for member in members where member.name != "op" {
      let name = member.name
      do throws(WireError) {
        if !known.contains(name) {
          if name.utf8.starts(with: "x_".utf8) { continue }
          throw WireError(
            .badRequest, "\(operation.rawValue) has no such member" + Suggestion.sentence(for: name, among: known),
            at: "/" + pointer(name))
        }
        try set(name, member.value, &reading.request)
      } catch {
        reading.memberFault = reading.memberFault ?? error
      }
    }
    if reading.memberFault == nil { reading.memberFault = missing(operation, reading.request, members.map(\.name)) }
  }

  private static func readOperation(_ value: JSONValue?, _ reading: inout RequestReader.Reading) {
    switch value {
    case .text(let name)?:
      reading.request.operation = Operation(rawValue: name)
      if reading.request.operation == nil {
        reading.operationFault = WireError(
          .unknownOp,
          "there is no such op" + Suggestion.sentence(for: name, among: Operation.allCases.map(\.rawValue)), at: "/op")
      }
    case nil:
      reading.operationFault = WireError(.badRequest, "op is missing: it names what is asked for", at: "/op")
    default:
      reading.operationFault = WireError(.badRequest, "op is a string", at: "/op")
    }
  }

  private static func missing(_ operation: Operation, _ request: Request, _ names: [String]) -> WireError? {
    if request.events != nil, operation != .record {
      return WireError(.badRequest, "\(operation.rawValue) takes no events", at: "/events")
    }
    switch operation {
    case .score, .rank:
      if request.candidates == .none {
        return WireError(
          .badRequest,
          "candidates are missing: give users, a list of them, stream true and then one a line, or an audience",
          at: "/users")
      }
      return operation == .rank ? commitFault(request) : nil
    case .load:
      guard request.candidates == .none else { return nil }
      return WireError(
        .badRequest, "candidates are missing: give users, a list of them, or stream true and then one a line",
        at: "/users")
    case .record:
      if case .users = request.candidates { break }
      if request.candidates == .stream {
        return request.events == nil
          ? nil : WireError(.badRequest, "events come inline or as a stream, not both", at: "/stream")
      }
      if request.events != nil { return nil }
      return WireError(
        .badRequest, "events are missing: give events, a list of them, or stream true and then one a line",
        at: "/events")
    case .policy where request.policyAction == .compare:
      if request.candidates == .none {
        return WireError(
          .badRequest, "candidates are missing: give users, a list of them, or an audience", at: "/users")
      }
      return missing(operation, request)
    default: break
    }
    if case .users = request.candidates {
      return WireError(.badRequest, "\(operation.rawValue) takes no users", at: "/users")
    }
    return missing(operation, request)
  }

  /// What does not go together with a commit.
  private static func commitFault(_ request: Request) -> WireError? {
    guard request.commits else {
      return request.planKey == nil
        ? nil : WireError(.badRequest, "plan_key goes with commit true", at: "/plan_key")
    }
    if request.rows != .contacts {
      return WireError(.badRequest, "a committed plan answers with its contacts", at: "/rows")
    }
    if !request.usesLedger {
      return WireError(.badRequest, "a plan is committed by what the ledger knows, or not at all", at: "/ledger")
    }
    return nil
  }

  private static func missing(_ operation: Operation, _ request: Request) -> WireError? {
    switch operation {
    case .erase where request.userIDs.isEmpty:
      WireError(.badRequest, "user_ids is missing: a list of those who are to be forgotten", at: "/user_ids")
    case .user where request.userID == nil: WireError(.badRequest, "user_id is missing", at: "/user_id")
    case .plan where request.planID == nil: WireError(.badRequest, "plan_id is missing", at: "/plan_id")
    case .auth where request.token == nil: WireError(.badRequest, "token is missing", at: "/token")
    case .policy where request.policyAction == nil:
      WireError(
        .badRequest, "do is missing: it is one of \(PolicyAction.allCases.map(\.rawValue).joined(separator: ", "))",
        at: "/do")
    case .policy where request.text == nil && [.check, .activate, .compare, .backtest].contains(request.policyAction):
      WireError(.badRequest, "text is missing: the whole policy, as it stands in its file", at: "/text")
    case .policy where request.policyAction == .activate && request.against == nil && !request.isShadow:
      WireError(
        .badRequest, "against is missing: the version that this one is to replace, so that no change is lost",
        at: "/against")
    case .policy where request.policy == nil && [.approve, .withdraw, .rollback].contains(request.policyAction):
      WireError(.badRequest, "policy is missing: the version that is meant, as history names it", at: "/policy")
    case .review where request.reviewAction == .replay && request.planID == nil:
      WireError(.badRequest, "plan_id is missing: the plan that is to be computed again", at: "/plan_id")
    default: nil
    }
  }

  private static func set(_ name: String, _ value: JSONValue, _ request: inout Request) throws(WireError) {
    let at = "/" + name
    let liftsLimits = request.operation == .rank || request.operation == .policy
    if case .null = value, !liftsLimits || !["budget", "capital", "limit"].contains(name) { return }
    switch name {
    case "as_of":
      guard case .text(let text) = value, let seconds = Moment.parse(text) else {
        throw WireError(
          .badRequest, "as_of is an RFC 3339 time with its offset, like 2026-03-01T10:00:00+08:00", at: at)
      }
      request.asOf = (text, seconds)
    case "policy": request.policy = try text(value, at)
    case "campaign": request.campaign = try text(value, at)
    case "timeout_ms": request.timeoutMS = Int(try whole(value, 1...86_400_000, at))
    case "users":
      throw WireError(.badRequest, "users is a list of candidates", at: at)
    case "stream":
      if try flag(value, at) {
        switch request.candidates {
        case .none, .stream: break
        case .users: throw WireError(.badRequest, "candidates come inline or as a stream, not both", at: at)
        case .audience:
          throw WireError(.badRequest, "candidates come from the audience or with the request, not both", at: at)
        }
        request.candidates = .stream
      }
    case "audience":
      guard request.candidates == .none else {
        throw WireError(.badRequest, "candidates come from the audience or with the request, not both", at: at)
      }
      request.candidates = .audience(try condition(value, at))
    case "ledger": request.usesLedger = try flag(value, at)
    case "commit": request.commits = try flag(value, at)
    case "plan_key": request.planKey = try text(value, at)
    case "plan_id": request.planID = try text(value, at)
    case "before": request.before = try text(value, at)
    case "user_id":
      guard case .text(let text) = value, (1...CandidateRow.longestUserID).contains(text.utf8.count) else {
        throw WireError(
          .badRequest, "a string of 1 to \(CandidateRow.longestUserID) bytes belongs here", at: at)
      }
      request.userID = text
    case "user_ids": request.userIDs = try userIDs(value, at)
    case "events": throw WireError(.badRequest, "events is a list of events", at: at)
    case "explain": if try flag(value, at) { request.extras.insert(.explain) }
    case "valid_until": if try flag(value, at) { request.extras.insert(.validUntil) }
    case "rows":
      switch value {
      case .text("all"): request.rows = .all
      case .text("contacts"): request.rows = .contacts
      default: throw WireError(.badRequest, "rows is \"contacts\" or \"all\"", at: at)
      }
    case "budget": request.budget = try money(value, 1e9, at)
    case "capital": request.capital = try money(value, 1e12, at)
    case "limit" where request.operation == .plans:
      request.most = Int(try whole(value, 1...1000, at))
    case "limit": request.limit = try count(value, at)
    case "tier_first": request.tierFirst = try flag(value, at)
    case "token": request.token = try text(value, at)
    case "do" where request.operation == .review: request.reviewAction = try choice(value, at)
    case "do": request.policyAction = try choice(value, at)
    case "shadow": request.shadow = try flag(value, at)
    case "since": request.past.since = try moment(value, at)
    case "until": request.past.until = try moment(value, at)
    case "weeks": request.past.weeks = Int(try whole(value, 1...260, at))
    case "new_user_cost":
      guard let number = value.number, number >= 0, number <= 1e9 else {
        throw WireError(.badRequest, "a number from 0 to 1000000000 belongs here", at: at)
      }
      request.newUserCost = number
    case "prior_sd": request.priorSD = try number(value, 0.1...1000, at)
    case "least_events": request.leastEvents = Int(try whole(value, 1...1_000_000, at))
    case "holdout_share": request.holdoutShare = try number(value, 0.01...0.99, at)
    case "format": request.format = try choice(value, at)
    case "text":
      guard case .text(let text) = value else {
        throw WireError(.badRequest, "a policy's text, as one string, belongs here", at: at)
      }
      request.text = text
    case "against": request.against = try text(value, at)
    case "capacity": request.capacity = try counts(value, at)
    case "quota": request.quota = try counts(value, at)
    default: break
    }
  }

  private static func text(_ value: JSONValue, _ at: String) throws(WireError) -> String {
    guard case .text(let text) = value, text.utf8.count <= 256 else {
      throw WireError(.badRequest, "a string of at most 256 bytes belongs here", at: at)
    }
    return text
  }

  private static func moment(_ value: JSONValue, _ at: String) throws(WireError) -> Int64 {
    guard case .text(let text) = value, let seconds = Moment.parse(text) else {
      throw WireError(
        .badRequest, "an RFC 3339 time with its offset belongs here, like 2026-03-01T10:00:00+08:00", at: at)
    }
    return seconds
  }

  private static func condition(_ value: JSONValue, _ at: String) throws(WireError) -> String {
    guard case .text(let text) = value, text.utf8.count <= 65_536 else {
      throw WireError(.badRequest, "a condition belongs here, as a string: \"TRUE\" for the whole audience", at: at)
    }
    return text
  }

  private static func userIDs(_ value: JSONValue, _ at: String) throws(WireError) -> [String] {
    guard case .list(let items) = value, !items.isEmpty, items.count <= mostErased else {
      throw WireError(.badRequest, "a list of 1 to \(mostErased) user_ids belongs here", at: at)
    }
    var ids: [String] = []
    for (index, item) in items.enumerated() {
      guard case .text(let text) = item, (1...CandidateRow.longestUserID).contains(text.utf8.count) else {
        throw WireError(
          .badRequest, "a string of 1 to \(CandidateRow.longestUserID) bytes belongs here", at: "\(at)/\(index)")
      }
      ids.append(text)
    }
    return ids
  }
  /// Users in one `erase`.
  private static let mostErased = 1000

  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ value: JSONValue, _ at: String
  ) throws(WireError) -> Choice where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue)
    guard case .text(let name) = value else {
      throw WireError(.badRequest, "one of \(names.joined(separator: ", ")) belongs here", at: at)
    }
    guard let choice = Choice(rawValue: name) else {
      throw WireError(
        .badRequest,
        "one of \(names.joined(separator: ", ")) belongs here" + Suggestion.sentence(for: name, among: names),
        at: at)
    }
    return choice
  }

  private static func flag(_ value: JSONValue, _ at: String) throws(WireError) -> Bool {
    guard case .boolean(let flag) = value else { throw WireError(.badRequest, "true or false belongs here", at: at) }
    return flag
  }

  private static func whole(_ value: JSONValue, _ range: ClosedRange<Int64>, _ at: String) throws(WireError) -> Int64 {
    guard let number = value.number, number == number.rounded(), number >= Double(range.lowerBound),
      number <= Double(range.upperBound)
    else {
      throw WireError(
        .badRequest, "a whole number from \(range.lowerBound) to \(range.upperBound) belongs here",
        at: at)
    }
    return Int64(number)
  }

  private static func number(_ value: JSONValue, _ range: ClosedRange<Double>, _ at: String) throws(WireError) -> Double
  {
    guard let number = value.number, range.contains(number) else {
      throw WireError(
        .badRequest, "a number from \(shortest(range.lowerBound)) to \(shortest(range.upperBound)) belongs here", at: at
      )
    }
    return number
  }

  private static func money(_ value: JSONValue, _ most: Double, _ at: String) throws(WireError) -> LimitSetting<Double>
  {
    if case .null = value { return .lifted }
    guard let number = value.number, number >= 0, number <= most else {
      throw WireError(.badRequest, "a number from 0 to \(shortest(most)) belongs here, or null for no limit", at: at)
    }
    return .most(number)
  }

  private static func count(_ value: JSONValue, _ at: String) throws(WireError) -> LimitSetting<Int64> {
    if case .null = value { return .lifted }
    return .most(try whole(value, 0...1_000_000_000_000, at))
  }

  private static func counts(
    _ value: JSONValue, _ at: String
  ) throws(WireError) -> [(name: String, most: LimitSetting<Int64>)] {
    guard case .object(let members) = value else {
      throw WireError(.badRequest, "an object of names and counts belongs here", at: at)
    }
    var counts: [(name: String, most: LimitSetting<Int64>)] = []
    for member in members { counts.append((member.name, try count(member.value, at + "/" + pointer(member.name)))) }
    return counts
  }
}
