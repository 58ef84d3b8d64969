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
      let shown = request.policy.flatMap { policies.version($0) } ?? policies.versions[0]
      answerPolicy(request, arrival, .reply(Self.show(shown, policies.fileFormat)))
    case .history: answerPolicy(request, arrival, .reply(Self.history(policies.versions)))
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
        do throws(WireError) {
          let (version, was) = try activate(change)
          return .reply(Self.activated(version, was: was))
        } catch {
          return .failed(error)
        }
      }
    case .approve, .withdraw, .rollback, .shadow, .compare, .backtest, .fit:
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

  private static func show(_ version: PolicyStore.Version, _ format: PolicyFormat) -> [UInt8] {
    var out = ByteWriter(capacity: version.text.count + 256)
    out.write(",\"policy\":")
    out.writeQuoted(version.name)
    out.write(",\"format\":")
    out.writeQuoted(format.rawValue)
    out.write(",\"text\":")
    version.text.withUnsafeBytes { out.writeQuoted($0) }
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

  private static func activated(_ version: PolicyStore.Version, was: String) -> [UInt8] {
    var out = ByteWriter(capacity: 256)
    out.write(",\"policy\":")
    out.writeQuoted(version.name)
    out.write(",\"was\":")
    out.writeQuoted(was)
    return out.array
  }

  private static func history(_ versions: [PolicyStore.Version]) -> [UInt8] {
    var out = ByteWriter(capacity: 1024)
    out.write(",\"policy\":")
    out.writeQuoted(versions[0].name)
    out.write(",\"versions\":[")
    for (index, version) in versions.enumerated() {
      out.write(index > 0 ? ",{\"policy\":" : "{\"policy\":")
      out.writeQuoted(version.name)
      out.write(",\"since\":")
      out.writeQuoted(Moment.format(version.since))
      out.write(",\"by\":")
      out.writeQuoted(version.by)
      out.write(index == 0 ? ",\"live\":true}" : ",\"live\":false}")
    }
    out.put(0x5D)
    return out.array
  }

  /// `{"since":..,"by":..,"rejected":..}`: how the live policy came to be, and whether another was refused since.
  func writePolicyState(into out: inout ByteWriter) {
    let live = shared.policies.versions[0]
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
    out.put(0x7D)
  }
}
