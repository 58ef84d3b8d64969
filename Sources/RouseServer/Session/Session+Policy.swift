import RouseCore
import RousePolicy
import RouseWire

/// A policy that is to become live.
struct PolicyChange: Sendable {
  let text: [UInt8]
  let format: PolicyFormat
  /// The version it is to replace.
  let against: String
  /// The identity that wants it.
  let by: String
}

/// The op `policy`: what is live, what was, and what would be.
extension Session {
  func runPolicy(
    _ request: Request, _ line: Block, _ version: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    try beginWork(deadline)
    // The text is held as it came and as it is read, and so is what is found wrong with it.
    try reserve(line.count, reply: line.count * 4)
    let policies = shared.policies
    let format = request.format
    switch request.policyAction {
    case .show:
      if let shown = request.policy.map(policies.text) ?? policies.text(policies.versions[0].name) {
        answerPolicy(request, arrival, .reply(Self.show(shown)))
      } else {
        let keeping = shared.keeping
        let name = request.policy ?? ""
        later(request, deadline, arrival) {
          Self.result { () throws(WireError) in try Self.show(Self.older(name, keeping)) }
        }
      }
    case .history:
      let overview = policies.overview
      let keeping = shared.keeping
      later(request, deadline, arrival) {
        Self.result { () throws(WireError) in Self.history(overview, older: try keeping?.policies() ?? []) }
      }
    case .check:
      let text = Array((request.text ?? "").utf8)
      later(request, deadline, arrival) { .reply(Self.check(text, format)) }
    case .activate where request.isShadow: try runDesk(request, line, version, deadline, arrival)
    case .activate:
      let change = PolicyChange(
        text: Array((request.text ?? "").utf8), format: format, against: request.against ?? "",
        by: identity?.name ?? "")
      let activate = shared.activate
      later(request, deadline, arrival) {
        Self.result { () throws(WireError) in Self.outcome(try activate(change)) }
      }
    case .approve: decide(.approve, request, arrival)
    case .withdraw: decide(.withdraw, request, arrival)
    case .rollback: decide(.rollback, request, arrival)
    case .shadow, .compare, .backtest, .fit:
      try runDesk(request, line, version, deadline, arrival)
    case nil: throw WireError(.badRequest, "do is missing", at: "/do")
    }
  }

  private func answerPolicy(_ request: Request, _ arrival: UInt64, _ result: Result) {
    guard case .reply(let body) = result else { return }
    Reply.begin(request.id, into: &output)
    output.write(body)
    Reply.end(into: &output)
    note(request, nil, arrival)
  }

  private func later(
    _ request: Request, _ deadline: UInt64?, _ arrival: UInt64, _ run: @escaping @Sendable () -> Result
  ) {
    serial += 1
    // What has been activated cannot be taken back, so its answer is never "too late".
    state = .busy(
      Pending(
        id: request.id, operation: .policy, context: nil,
        deadline: request.policyAction == .activate ? nil : deadline, began: arrival))
    schedule(.quick, run)
  }

  private func decide(_ kind: PolicyVerdict.Kind, _ request: Request, _ arrival: UInt64) {
    let verdict = PolicyVerdict(
      kind: kind, policy: request.policy ?? "", against: request.against, by: identity?.name ?? "")
    let decide = shared.decide
    later(request, nil, arrival) {
      Self.result { () throws(WireError) in Self.outcome(try decide(verdict)) }
    }
  }

  private static func result(_ body: () throws(WireError) -> [UInt8]) -> Result {
    do throws(WireError) {
      return .reply(try body())
    } catch {
      return .failed(error)
    }
  }

  /// A version that was live before the server started.
  private static func older(_ name: String, _ keeping: Keeping?) throws(WireError) -> PolicyStore.Text {
    guard let kept = try keeping?.policy(name) else {
      throw WireError(.notFound, "no such policy version is kept; history tells which are", at: "/policy")
    }
    return PolicyStore.Text(policy: name, format: kept.format, text: kept.text)
  }

  private static func show(_ shown: PolicyStore.Text) -> [UInt8] {
    var out = ByteWriter(capacity: shown.text.count + 256)
    out.write(",\"policy\":")
    out.writeQuoted(shown.policy)
    out.write(",\"format\":")
    out.writeQuoted(shown.format.rawValue)
    out.write(",\"text\":")
    shown.text.withUnsafeBytes { out.writeQuoted($0) }
    return out.array
  }

  private static func check(_ text: [UInt8], _ format: PolicyFormat) -> [UInt8] {
    var out = ByteWriter(capacity: 1024)
    do throws(PolicyDiagnostics) {
      let live = try LivePolicy.make(text, format: format.document)
      out.write(",\"valid\":true,\"policy\":")
      out.writeQuoted(live.policy.version)
      out.write(",\"diagnostics\":[]")
    } catch {
      out.write(",\"valid\":false,")
      Reply.diagnostics(error.all.map { PolicyFinding($0) }, into: &out)
    }
    return out.array
  }

  private static func outcome(_ outcome: PolicyOutcome) -> [UInt8] {
    var out = ByteWriter(capacity: 256)
    out.write(",\"policy\":")
    out.writeQuoted(outcome.policy)
    out.write(",\"was\":")
    out.writeQuoted(outcome.was)
    out.write(",\"state\":")
    out.writeQuoted(outcome.state.rawValue)
    if let author = outcome.author {
      out.write(",\"author\":")
      out.writeQuoted(author)
    }
    return out.array
  }

  private static func history(
    _ overview: (versions: [PolicyStore.Version], proposals: [PolicyProposal], needsApproval: Bool),
    older: [(version: String, text: [UInt8], format: String, at: Int64, by: String)]
  ) -> [UInt8] {
    var out = ByteWriter(capacity: 1024)
    out.write(",\"policy\":")
    out.writeQuoted(overview.versions[0].name)
    out.write(",\"approval\":")
    out.writeQuoted((overview.needsApproval ? Configuration.PolicyApproval.required : .notRequired).rawValue)
    out.write(",\"versions\":[")
    for (index, version) in overview.versions.enumerated() {
      if index > 0 { out.put(0x2C) }
      write(version.name, since: version.since, by: version.by, author: version.author, into: &out)
      out.write(index == 0 ? ",\"live\":true}" : ",\"live\":false}")
    }
    out.write("],\"proposals\":[")
    for (index, proposal) in overview.proposals.enumerated() {
      out.write(index > 0 ? ",{\"policy\":" : "{\"policy\":")
      out.writeQuoted(proposal.policy)
      out.write(",\"at\":")
      out.writeQuoted(Moment.format(proposal.at))
      out.write(",\"author\":")
      out.writeQuoted(proposal.author)
      out.write(",\"against\":")
      out.writeQuoted(proposal.against)
      out.put(0x7D)
    }
    out.write("],\"older\":[")
    let known = Set(overview.versions.map { ExactText($0.name) })
    for (index, version) in older.filter({ !known.contains(ExactText($0.version)) }).prefix(mostOlder).enumerated() {
      if index > 0 { out.put(0x2C) }
      write(version.version, since: version.at, by: version.by, author: nil, into: &out)
      out.put(0x7D)
    }
    out.put(0x5D)
    return out.array
  }
  /// Versions of the ledger that history tells of.
  private static let mostOlder = 100

  private static func write(_ name: String, since: Int64, by: String, author: String?, into out: inout ByteWriter) {
    out.write("{\"policy\":")
    out.writeQuoted(name)
    out.write(",\"since\":")
    out.writeQuoted(Moment.format(since))
    out.write(",\"by\":")
    out.writeQuoted(by)
    if let author {
      out.write(",\"author\":")
      out.writeQuoted(author)
    }
  }

  /// `{"since":..,"by":..,"rejected":..,"approval":..,"proposals":..}`: how the live policy came to be, whether another was
  /// refused since, and what waits.
  func writePolicyState(into out: inout ByteWriter) {
    let (versions, proposals, needsApproval) = shared.policies.overview
    let live = versions[0]
    out.write("{\"since\":")
    out.writeQuoted(Moment.format(live.since))
    out.write(",\"by\":")
    out.writeQuoted(live.by)
    out.write(",\"rejected\":")
    if let rejection = shared.policies.rejection {
      out.write("{\"at\":")
      out.writeQuoted(Moment.format(rejection.at))
      out.write(",\"by\":")
      out.writeQuoted(rejection.by)
      out.put(0x2C)
      Reply.diagnostics(rejection.findings, into: &out)
      out.put(0x7D)
    } else {
      out.write("null")
    }
    out.write(",\"approval\":")
    out.writeQuoted((needsApproval ? Configuration.PolicyApproval.required : .notRequired).rawValue)
    out.write(",\"proposals\":")
    out.write(proposals.count)
    out.put(0x7D)
  }
}
