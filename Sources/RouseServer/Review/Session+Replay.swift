import RouseCore
import RousePolicy
import RouseReview
import RouseWire

extension Session {
  /// Computes a committed plan again.
  func replayPlan(_ request: Request, _ deadline: UInt64?, _ arrival: UInt64) throws(WireError) {
    let ledger = try keeping(at: "/op").ledger
    let id = request.planID ?? ""
    let user = request.userID.map { Array($0.utf8) }
    try beginWork(deadline)
    let patience = self.patience(deadline)
    try desk(request, patience, arrival) { () throws(WireError) in
      let replay = try reviewing(ledger, at: "/plan_id") { source throws(ReviewError) in
        try Replay(id, of: source, explaining: user, isAbandoned: { patience.isOver })
      }
      return Self.member("replay", replay.json())
    }
  }

  /// What a policy's text would have brought on the contacts of a period.
  func backtest(
    _ request: Request, _ version: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    let ledger = try keeping(at: "/op").ledger
    let patience = self.patience(deadline)
    let question = try question(request, patience)
    let text = Array((request.text ?? "").utf8)
    let format = request.format
    try desk(request, patience, arrival) { () throws(WireError) in
      let new = try Self.policy(text, format)
      let backtest = try reviewing(ledger) { source throws(ReviewError) in
        try Backtest(of: source, question, new: new, yardstick: version.policy)
      }
      return Self.member("backtest", backtest.json())
    }
  }

  /// Reads a policy that a request carries, but does not make live.
  private static func policy(_ text: [UInt8], _ format: PolicyFormat) throws(WireError) -> Policy {
    do throws(PolicyDiagnostics) {
      return Policy(try PolicyReader.read(text, format: format.document), bytes: text)
    } catch {
      var refusal = WireError(.badRequest, "the policy has faults; nothing was computed", at: "/text")
      refusal.diagnostics = error.all.map { PolicyFinding($0) }
      throw refusal
    }
  }
}
