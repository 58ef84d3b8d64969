import RouseCore
import RousePolicy
import RouseReview
import RouseWire

extension Session {
  /// What the ledger's outcomes make of a policy's numbers; nothing becomes live by it.
  func fit(
    _ request: Request, _ version: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    let ledger = try keeping(at: "/op").ledger
    let patience = self.patience(deadline)
    var question = try question(request, patience)
    if request.past.since == nil, request.past.weeks == nil {
      question.period = try request.past.period(now: question.now, weeks: Self.fitWeeks)
    }
    let kept = shared.policies.version(version.policy.version) ?? shared.policies.versions[0]
    let bytes = request.text.map { Array($0.utf8) } ?? kept.text
    guard (request.text == nil ? kept.format : request.format) == .yaml else {
      throw WireError(
        .badRequest,
        "fit changes numbers where they stand and comments on each, which JSON has no place for; send YAML",
        at: "/text")
    }
    var settings = FitSettings()
    if let priorSD = request.priorSD { settings.priorSD = priorSD }
    if let leastEvents = request.leastEvents { settings.leastEvents = leastEvents }
    let (chosen, share, asked) = (settings, request.holdoutShare, question)
    try desk(request, patience, arrival) { () throws(WireError) in
      let text: PolicyText
      do throws(PolicyDiagnostics) {
        text = try PolicyText(yaml: bytes)
      } catch {
        var refusal = WireError(.badRequest, "the policy has faults; nothing was computed", at: "/text")
        refusal.diagnostics = error.all.map { PolicyFinding($0) }
        throw refusal
      }
      let set = try reviewing(ledger) { source throws(ReviewError) in
        try LedgerTraining(of: source, asked, under: text.policy).set
      }
      // The view is closed by now: its log would grow for as long as the regression takes.
      let run: FitRun
      do throws(ReviewError) {
        run = try FitRun(text, settings: chosen, holdoutShare: share, set, isAbandoned: { patience.isOver })
      } catch {
        throw WireError(error)
      }
      var out = ByteWriter(capacity: run.report.count + run.fitted.new.bytes.count * 2)
      out.write(Self.member("fit", run.report))
      out.write(",\"text\":")
      out.writeQuoted(String(decoding: run.fitted.new.bytes, as: UTF8.self))
      return out.array
    }
  }

  /// Weeks that are learned from, where the request does not say.
  private static let fitWeeks = 52
}
