import RouseCore
import RouseLedger
import RouseReview
import RouseWire

/// The risk team's long questions: each is one request and one answer, worked off one after another on a thread of its own.
extension Session {
  func runReview(
    _ request: Request, _ version: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    switch request.reviewAction {
    case .period: try reviewPeriod(request, version, deadline, arrival)
    case .replay: try replayPlan(request, deadline, arrival)
    }
  }

  func runDesk(
    _ request: Request, _ line: Block, _ version: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    if request.policyAction == .shadow || request.policyAction == .activate {
      return try shadow(request, deadline, arrival)
    }
    if request.policyAction == .compare { return try compare(request, line, version, deadline, arrival) }
    if request.policyAction == .backtest { return try backtest(request, version, deadline, arrival) }
    if request.policyAction == .fit { return try fit(request, version, deadline, arrival) }
    throw WireError(.unknownOp, "not yet", at: "/do")
  }
}
