import RouseCore
import RouseLedger
import RouseWire

/// The ops that decide on candidates: inline, streamed, or of the standing audience.
extension Session {
  func start(
    _ request: Request, _ line: Block, _ live: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    let now = now(of: request)
    let asOf = (text: request.asOf?.text ?? Moment.format(now), seconds: now)
    let pending = Pending(
      id: request.id, operation: request.operation ?? .score, context: (live.policy.version, asOf.text),
      deadline: deadline, began: arrival)
    if request.operation == .score {
      try startScore(pending, request, line, live, now)
    } else {
      try startRank(pending, request, line, live, asOf)
    }
  }

  /// What the ledger is asked for a request's candidates; nil: nothing.
  func facts(_ request: Request) -> Ledger? { request.usesLedger ? shared.keeping?.ledger : nil }

  /// Whom a request's candidates are offered to, once they have been decided on.
  func watch(_ request: Request, _ live: LivePolicy, now: Int64) -> ShadowWatch? {
    shared.shadow?.watch(live, now: now, usesLedger: request.usesLedger)
  }

  // MARK: - Score

  private func startScore(
    _ pending: Pending, _ request: Request, _ line: Block, _ live: LivePolicy, _ now: Int64
  ) throws(WireError) {
    serial += 1
    let extras = request.extras
    if case .users(let at, let count) = request.candidates, line.count <= Self.mostOnLoop,
      extras.isEmpty
        || extras == .explain && count <= Self.mostExplainedHere && live.policy.isExplainedQuickly
    {
      try begin(pending.deadline)
      return try scoreHere(pending, request, line, at, live, isAlone: count == 1)
    }
    if case .audience(let condition) = request.candidates {
      let audience = try audience(condition, live)
      try beginWork(pending.deadline)
      return startRows(
        pending,
        AudienceScore(
          audience, now: now, extras: extras, facts: request.usesLedger, meters: shared.meters,
          shadow: watch(request, live, now: now)))
    }
    try beginWork(pending.deadline)
    let hands = Hands(
      live, now: now, extras: extras, longestLine: shared.limits.lineBytes, ledger: facts(request),
      shadow: watch(request, live, now: now))
    let work = ScoreWork(hands, extras: extras, meters: shared.meters)
    guard case .users(let at, let count) = request.candidates else {
      state = .streaming(Stream(pending: pending, work: work))
      return
    }
    let isExplained = extras.contains(.explain)
    let reply = isExplained ? Self.explainedReply : Self.plainReply
    try reserve(line, count, reply: reply)
    state = .busy(pending)
    // To explain a candidate costs as much as to score ten or twenty.
    schedule(isExplained && count > Self.mostExplainedQuickly ? .bulk : .quick) {
      Self.reply { () throws(WireError) in try work.runInline(line, usersAt: at, size: count * reply) }
    }
  }

  private static func reply(_ body: () throws(WireError) -> [UInt8]) -> Result {
    do throws(WireError) { return .reply(try body()) } catch { return .failed(error) }
  }

  // MARK: - Rank

  private func startRank(
    _ pending: Pending, _ request: Request, _ line: Block, _ live: LivePolicy,
    _ asOf: (text: String, seconds: Int64)
  ) throws(WireError) {
    serial += 1
    let limits = try request.limits(live.policy)
    var commitment: Commitment?
    var judged = asOf
    if request.commits {
      let ledger = try keeping(at: "/commit").ledger
      guard asOf.seconds <= time.wall + live.policy.definition.clockSkew else {
        throw WireError(
          .badRequest, "a plan is committed for now: as_of lies ahead of the server's clock", at: "/as_of")
      }
      // Clocks differ: what is taken is taken by the server's own, for leases and gaps end by it.
      judged.seconds = min(asOf.seconds, time.wall)
      commitment = Commitment(ledger, request, asOf: judged, made: time.wall)
    }
    func answer(
      _ hands: Hands, _ isWanted: @escaping @Sendable (CandidateRow, Int?) -> Bool = { _, _ in true }
    ) -> RankAnswer {
      RankAnswer(
        hands, rows: request.rows, limits: limits, memory: shared.rankMemory, commitment: commitment,
        meters: shared.meters, isWanted: isWanted)
    }
    if case .audience(let condition) = request.candidates {
      let audience = try audience(condition, live)
      try beginWork(pending.deadline)
      return startAudienceRank(
        pending,
        AudienceRank(
          audience, now: judged.seconds, facts: request.usesLedger, rows: request.rows,
          longestLine: shared.limits.lineBytes, shadow: watch(request, live, now: judged.seconds)
        ) { answer($0) { row, user in audience.holds(row, user) } })
    }
    try beginWork(pending.deadline)
    let hands = Hands(
      live, now: judged.seconds, longestLine: shared.limits.lineBytes, ledger: facts(request),
      shadow: watch(request, live, now: judged.seconds))
    let work = RankWork(hands, answer(hands))
    guard case .users(let at, let count) = request.candidates else {
      state = .streaming(Stream(pending: pending, work: work))
      return
    }
    try reserve(line, count, reply: Self.plainReply)
    startInlineRank(pending, work, line, at)
  }

  private func startInlineRank(_ pending: Pending, _ work: RankWork, _ line: Block, _ at: Int) {
    var pending = pending
    pending.inline = work.answer
    if work.answer.commits {
      // What is committed cannot be taken back, so the answer is never "too late".
      pending.deadline = nil
      work.answer.digest(line, usersAt: at)
    }
    state = .busy(pending)
    scheduleLong(.quick) { done in
      do throws(WireError) {
        try work.readInline(line, usersAt: at)
      } catch {
        return done(.failed(error))
      }
      work.plan { done(Self.inlineResult($0, work.answer)) }
    }
  }

  private static func inlineResult(_ outcome: RankAnswer.Outcome, _ answer: RankAnswer) -> Result {
    switch outcome {
    case .ready where answer.commits: .planned(answer)
    case .ready: reply { () throws(WireError) in try answer.inline() }
    case .failed(let error): .failed(error)
    case .stale: .stale(answer)
    }
  }

  /// Plans, now that all candidates are there, and begins with the rows.
  func rank(_ pending: Pending, _ work: RankWork) {
    var pending = pending
    pending.work = work.answer
    if work.answer.commits { pending.deadline = nil }
    let enough = window.output
    state = .busy(pending)
    scheduleLong(.bulk) { done in work.plan { done(Self.rowsResult($0, work.answer, enough)) } }
  }

  static func rowsResult(_ outcome: RankAnswer.Outcome, _ answer: RankAnswer, _ enough: Int) -> Result {
    switch outcome {
    case .ready where answer.commits: .planned(answer)
    case .ready: moreRows(answer, enough)
    case .failed(let error): .failed(error)
    case .stale: .stale(answer)
    }
  }

  /// Writes the answer of a plan that has been committed: the ledger's thread, which says so, has other things to do.
  func answerPlanned(_ pending: Pending, _ answer: RankAnswer) {
    let enough = window.output
    if pending.inline != nil {
      schedule(.quick) { Self.reply { () throws(WireError) in try answer.inline() } }
    } else {
      schedule(.bulk) { Self.moreRows(answer, enough) }
    }
  }

  /// Makes a plan again whose users have changed while it was made.
  func planAgain(_ pending: Pending, _ answer: RankAnswer) {
    let enough = window.output
    let isInline = pending.inline != nil
    scheduleLong(isInline ? .quick : .bulk) { done in
      answer.planAgain { outcome in
        done(isInline ? Self.inlineResult(outcome, answer) : Self.rowsResult(outcome, answer, enough))
      }
    }
  }

  // MARK: - The standing audience

  private func audience(_ condition: String, _ live: LivePolicy) throws(WireError) -> AudienceView {
    try keeping(at: "/audience").audience.view(of: condition, live)
  }

  private func startRows(_ pending: Pending, _ rows: any RowSource) {
    var pending = pending
    let enough = window.output
    pending.work = rows
    state = .busy(pending)
    schedule(.bulk) { Self.moreRows(rows, enough) }
  }

  private func startAudienceRank(_ pending: Pending, _ rank: AudienceRank) {
    var pending = pending
    pending.work = rank.answer
    pending.audience = rank
    if rank.answer.commits { pending.deadline = nil }
    state = .busy(pending)
    for _ in 0..<rank.threads { stepAudience(pending, rank) }
  }

  /// Goes on with a rank over the audience: a step at a time, so that other work has its turn.
  func stepAudience(_ pending: Pending, _ rank: AudienceRank) {
    let enough = window.output
    scheduleLong(.bulk) { done in
      switch rank.step() {
      case .more: done(.step)
      case .over: done(.nothing)
      case .failed(let error): done(.failed(error))
      case .complete: rank.answer.plan { done(Self.rowsResult($0, rank.answer, enough)) }
      }
    }
  }

  // MARK: - Room

  /// Room for a large request and its reply, which stays until the peer has taken it.
  func reserve(_ request: Int, reply: Int) throws(WireError) {
    let wanted = request.addingReportingOverflow(reply)
    guard !wanted.overflow, lease.resize(to: max(0, wanted.partialValue - Self.ownInput)) else {
      throw WireError(
        .overloaded, "too many large requests are being answered; try again", retryAfterMS: 200)
    }
  }

  private func reserve(_ line: Block, _ count: Int, reply: Int) throws(WireError) {
    let all = count.multipliedReportingOverflow(by: reply)
    try reserve(line.count, reply: all.overflow ? .max : all.partialValue)
  }

  private static let mostExplainedQuickly = 40
  private static let plainReply = 512
  private static let explainedReply = 12_288
}
