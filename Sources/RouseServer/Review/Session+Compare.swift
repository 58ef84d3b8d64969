import RouseCore
import RouseReview
import RouseWire

extension Session {
  /// What another policy would change: one answer, worked off when those before it are done.
  func compare(
    _ request: Request, _ line: Block, _ version: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    try refuseIfDeskIsFull()
    let old = try request.against.map { name throws(WireError) in try kept(name) } ?? version
    let candidates: CompareWork.Candidates
    switch request.candidates {
    case .users(let at, _): candidates = .users(line, at: at)
    case .audience(let condition):
      candidates = .audience(
        try keeping(at: "/audience").audience.view(of: condition, shared.policies.live))
    case .stream, .none:
      throw WireError(.badRequest, "candidates are missing: give users, a list of them, or an audience", at: "/users")
    }
    let work = try CompareWork(
      request, candidates, old: old, now: now(of: request), ledger: facts(request), memory: shared.rankMemory,
      longestLine: shared.limits.lineBytes)
    serial += 1
    var pending = Pending(id: request.id, operation: .policy, context: nil, deadline: deadline, began: arrival)
    pending.cancel = { work.cancel() }
    state = .busy(pending)
    schedule(.review) {
      do throws(WireError) { return .reply(try work.run()) } catch { return .failed(error) }
    }
  }

  private func kept(_ name: String) throws(WireError) -> LivePolicy {
    guard let version = shared.policies.version(name) else {
      throw WireError(
        .notFound,
        "no such policy version is kept; the live one is \(shared.policies.live.policy.version)", at: "/against")
    }
    return version.live
  }
}
