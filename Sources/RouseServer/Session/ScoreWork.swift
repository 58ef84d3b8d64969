import RouseCore
import RouseWire
import Synchronization

/// The work of one `score`, off the event loop: a stream's blocks on any thread, or the candidates of one large line.
final class ScoreWork: StreamedWork {
  private let hands: Hands
  private let extras: Extras
  private let meters: Meters?
  private let isCancelled = Atomic<Bool>(false)

  /// - Parameter meters: what the candidates of one line are counted by.
  init(_ hands: Hands, extras: Extras, meters: Meters? = nil) {
    self.hands = hands
    self.meters = meters
    self.extras = extras
  }

  var isRank: Bool { false }
  var isExplained: Bool { extras.contains(.explain) }

  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  func run(_ block: Block, index: Int, done: @escaping @Sendable (BlockResult) -> Void) {
    done(run(block, index: index))
  }

  private func run(_ block: Block, index: Int) -> BlockResult {
    var result = BlockResult(index: index)
    if isCancelled.load(ordering: .relaxed) { return result }
    let hand = hands.borrow()
    defer { hands.giveBack(hand) }
    var rows = ByteWriter(capacity: block.count + block.count / 4)
    do throws(WireError) {
      result.stop = try hand.work { (worker) throws(WireError) in
        worker.score(block, into: &rows, totals: &result.tally.totals)
      }
    } catch {
      result.fault = error
    }
    result.rows = rows.array
    hands.shadow?.offer(.lines(block), bytes: block.count, count: result.tally.totals.lines)
    return result
  }

  func writeSummary(_ tally: Tally, into out: inout ByteWriter) {
    out.write(",\"summary\":")
    tally.totals.writeSummary(into: &out)
  }

  /// `,"results":[..]` and the summary of a request's own candidates, or what is wrong with them.
  /// - Parameter size: bytes that the answer has, about.
  func runInline(_ block: Block, usersAt at: Int, size: Int) throws(WireError) -> [UInt8] {
    let hand = hands.borrow()
    defer { hands.giveBack(hand) }
    var out = ByteWriter(capacity: size)
    out.write(",\"results\":[")
    var totals = Totals()
    try hand.work { (worker) throws(WireError) in
      try worker.score(block, usersAt: at, into: &out, totals: &totals)
    }
    meters?.decided(.score, totals)
    hands.shadow?.offer(.users(block, at: at), bytes: block.count, count: totals.lines)
    out.write("],\"summary\":")
    totals.writeSummary(into: &out)
    return out.array
  }
}
