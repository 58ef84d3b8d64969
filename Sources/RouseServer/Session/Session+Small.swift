import RouseCore
import RouseLedger
import RouseWire

/// Requests with a few candidates: answered where they are read, on the event loop, for to hand them to another thread and
/// back would take longer. How many in a turn is bounded by what one read of the socket brings, and by the output window.
extension Session {
  /// What small requests of one moment, policy and spelling of that moment share.
  final class Small {
    let hand: Hands.Hand
    let live: LivePolicy
    let ledger: Ledger?
    let extras: Extras
    /// Seconds since 1970, and as it stands in the requests; nil where they name none.
    let asOf: (seconds: Int64, text: String?)
    /// What stands between `"ok":true` and the first row.
    let opening: [UInt8]

    init(
      _ live: LivePolicy, _ ledger: Ledger?, _ extras: Extras, asOf: (seconds: Int64, text: String?), longestLine: Int
    ) {
      self.live = live
      self.ledger = ledger
      self.extras = extras
      self.asOf = asOf
      hand = Hands(live, now: asOf.seconds, extras: extras, longestLine: longestLine, ledger: ledger).borrow()
      var opening = ByteWriter(capacity: 128)
      Reply.context(policy: live.policy.version, asOf: asOf.text ?? Moment.format(asOf.seconds), into: &opening)
      opening.write(",\"results\":[")
      self.opening = opening.array
    }
  }

  /// Candidates that are explained here: it takes about as long as the longest line of those that are not.
  static let mostExplainedHere = 8

  /// Seconds since 1970.
  func now(of request: Request) -> Int64 { request.asOf?.seconds ?? min(max(time.wall, Moment.first), Moment.last) }

  private func small(_ request: Request, _ live: LivePolicy) -> Small {
    let now = now(of: request)
    let ledger = facts(request)
    let extras = request.extras
    let last = extras.isEmpty ? small : explaining
    if let last, last.live === live, last.ledger === ledger, last.extras == extras, last.asOf.seconds == now,
      last.asOf.text == request.asOf?.text
    {
      return last
    }
    let made = Small(live, ledger, extras, asOf: (now, request.asOf?.text), longestLine: shared.limits.lineBytes)
    if extras.isEmpty { small = made } else { explaining = made }
    return made
  }

  /// Answers a request whose line has been read.
  func scoreHere(
    _ pending: Pending, _ request: Request, _ line: Block, _ at: Int, _ live: LivePolicy, isAlone: Bool
  ) throws(WireError) {
    let small = small(request, live)
    let start = output.count
    Reply.begin(pending.id, into: &output)
    output.write(small.opening)
    var totals = Totals()
    do throws(WireError) {
      try small.hand.work { (worker) throws(WireError) in
        try worker.score(line, usersAt: at, into: &output, totals: &totals)
      }
    } catch {
      output.truncate(to: start)
      throw error
    }
    endSmall(totals)
    shared.meters.decided(.score, totals)
    watch(request, live, now: small.asOf.seconds)?.offer(.users(line, at: at), bytes: line.count, count: totals.lines)
    note(pending, nil, userID: isAlone ? small.hand.worker.lastUserID : nil)
    if request.timeoutMS == nil, shapesUnused < Self.mostShapesUnused {
      shape = RequestShape(of: request, in: line)
      shapesUnused += 1
    }
  }

  private func endSmall(_ totals: Totals) {
    output.write("],\"summary\":")
    totals.writeSummary(into: &output)
    Reply.end(into: &output)
  }

  /// Answers the next lines as far as they are like the last small request: who asks, by which policy, and what the ledger
  /// knows is looked up once for all of them, for they are there together. Whatever is unusual about a line, or would refuse
  /// it, is left to `handle`, which looks at it anew.
  /// - Returns: whether there was any.
  func answerAlike() -> Bool {
    guard let shape, input.count > 0, (try? authorize(.score, commits: false)) != nil, identity?.bucket == nil,
      let live = try? version(shape.request)
    else { return false }
    let small = small(shape.request, live)
    let shadow = watch(shape.request, live, now: small.asOf.seconds)
    var scored = idleScored ?? Scored()
    idleScored = nil
    scored.isNoted = shared.notesAnswers()
    try? small.hand.work { (worker) throws(WireError) in
      // Lines that came together are answered together: one look at the clock is enough for a few of them.
      var now = Time.now().monotonic
      var left = Self.linesALook
      while !isHeldBack, answer(like: shape, small, worker, shadow, &scored, now: now) {
        left -= 1
        if left == 0 { (now, left) = (Time.now().monotonic, Self.linesALook) }
      }
    }
    let isAny = scored.count > 0
    if isAny { shapesUnused = 0 }
    count(&scored)
    idleScored = scored
    return isAny
  }

  private static let linesALook = 8

  private func answer(
    like shape: RequestShape, _ small: Small, _ worker: BatchWorker, _ shadow: ShadowWatch?, _ scored: inout Scored,
    now: UInt64
  ) -> Bool {
    let start = output.count
    scored.totals.reset()
    let most = shape.request.extras.isEmpty ? shared.limits.inlineCandidates : Self.mostExplainedHere
    let longest = min(Self.mostOnLoop - 1, shared.limits.lineBytes)
    let isAnswered = input.takeLine { line in
      guard line.count <= longest, let likeness = shape.likeness(line) else { return false }
      Reply.begin(rawID: likeness.id.map { UnsafeRawBufferPointer(rebasing: line[$0]) }, into: &output)
      output.write(small.opening)
      guard worker.score(line, like: likeness, most: most, into: &output, totals: &scored.totals) else { return false }
      shadow?.offer(copyOf: line, usersAt: likeness.at, count: scored.totals.lines)
      return true
    }
    guard isAnswered else {
      output.truncate(to: start)
      return false
    }
    endSmall(scored.totals)
    linesTaken += 1
    serial += 1
    let isAlone = scored.totals.lines == 1
    note(
      &scored, input.arrivalOfTaken ?? time.monotonic, now: now, userID: isAlone ? worker.lastUserID : nil)
    return true
  }

  /// Where a client's requests are never alike, looking for it is given up.
  private static let mostShapesUnused = 8
}
