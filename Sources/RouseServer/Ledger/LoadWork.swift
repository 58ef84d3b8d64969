import RouseCore
import RouseLedger
import RouseWire
import Synchronization

/// The work of `load`: candidates are read on any thread, and put into the audience in their order.
final class LoadWork: StreamedWork {
  private let ledger: Ledger
  private let audience: StandingAudience
  private let live: LivePolicy
  private let longestLine: Int
  private let order = InOrder<Part>()
  private let idle = Mutex<[LoadWorker]>([])

  /// The candidates of one block, and who waits for them.
  private struct Part: Sendable {
    var candidates: [Ledger.Candidate] = []
    let images: StandingAudience.Images
    /// Lines that hold no candidate, and the first of them, counted from 1.
    var invalid = 0
    var firstInvalid: Int?
    var stop = BatchWorker.Stop.none
    let index: Int
    let done: @Sendable (BlockResult) -> Void
  }

  init(_ ledger: Ledger, _ audience: StandingAudience, live: LivePolicy, longestLine: Int) {
    self.ledger = ledger
    self.audience = audience
    self.live = live
    self.longestLine = longestLine
  }

  var isRank: Bool { false }
  var isExplained: Bool { false }

  func run(_ block: Block, index: Int, done: @escaping @Sendable (BlockResult) -> Void) {
    var part = Part(images: StandingAudience.Images(live.policy), index: index, done: done)
    let worker = borrow()
    part.stop = worker.read(block) { line, row in Self.take(line, row, &part) }
    giveBack(worker)
    order.submit(index, part, isLast: part.stop != .none) { part, counts in
      guard counts else { return part.done(BlockResult(index: part.index)) }
      load(part)
    }
  }

  private static func take(_ line: LoadWorker.Line, _ row: CandidateRow, _ part: inout Part) {
    switch line {
    case .candidate:
      part.candidates.append(.init(userID: Array(row.userID), line: row.sourceWithoutUserID))
      part.images.append(row)
    case .gone:
      part.candidates.append(.init(userID: Array(row.userID), line: nil))
      part.images.appendNone()
    case .invalid:
      part.invalid += 1
      if part.firstInvalid == nil { part.firstInvalid = part.candidates.count + part.invalid }
    }
  }

  private func load(_ part: Part) {
    let (audience, images) = (audience, part.images)
    let (invalid, firstInvalid, index, stop, done) =
      (part.invalid, part.firstInvalid, part.index, part.stop, part.done)
    let answered: Ledger.Done<Ledger.LoadCounts> = { answer in
      var result = BlockResult(index: index, stop: stop)
      switch answer {
      case .failure(let error): result.fault = WireError(error)
      case .success(let counts):
        result.tally.load.loaded = counts.loaded
        result.tally.load.removed = counts.removed
        result.tally.load.gone = counts.gone
        result.tally.load.invalid = invalid
        result.tally.load.firstInvalid = firstInvalid
      }
      done(result)
    }
    ledger.load(part.candidates, apply: { audience.put(images, of: $0) }, done: answered)
  }

  private func borrow() -> LoadWorker {
    idle.withLock { $0.popLast() } ?? LoadWorker(tables: live.tables, longestLine: longestLine)
  }

  private func giveBack(_ worker: LoadWorker) { idle.withLock { $0.append(worker) } }

  func writeSummary(_ tally: Tally, into out: inout ByteWriter) {
    tally.load.write(into: &out)
    out.write(",\"audience\":")
    out.write(audience.count)
  }

  func cancel() { order.seal() }

  /// Loads the candidates that stand in a request's line.
  func runInline(_ block: Block, usersAt at: Int, done: @escaping @Sendable (Session.Result) -> Void) {
    var part = Part(
      images: StandingAudience.Images(live.policy), index: 0,
      done: { result in
        if let fault = result.fault { return done(.failed(fault)) }
        var out = ByteWriter()
        self.writeSummary(result.tally, into: &out)
        done(.reply(out.array))
      })
    do throws(WireError) {
      try borrow().read(block, usersAt: at) { line, row in Self.take(line, row, &part) }
    } catch {
      return done(.failed(error))
    }
    load(part)
  }
}
