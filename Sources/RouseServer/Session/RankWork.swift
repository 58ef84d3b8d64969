import RouseCore
import RouseWire
import Synchronization

/// The work of one `rank` of candidates that come with the request, off the event loop: blocks are decoded and scored on any
/// thread, and put in order; then `RankAnswer` plans.
final class RankWork: StreamedWork {
  let answer: RankAnswer
  private let hands: Hands

  /// What threads share.
  private struct Shared {
    /// Index of the block whose part comes next.
    var next = 0
    var waiting: [Int: Step] = [:]
    /// What is next in order, to be added by whichever thread comes to it.
    var ready: [Step] = []
    /// Collects small blocks, so that a stream that drips does not make a part a line.
    var open: RankPart?
    var openBytes = 0
    var isSealed = false
  }
  private let shared = Mutex(Shared())
  /// Held while parts are added: others go on with their blocks meanwhile.
  private let adding = Mutex(())

  /// A part to be added, and the bytes that tell one request from another.
  private struct Step {
    var part: RankPart?
    var block: (bytes: Block, stop: BatchWorker.Stop)?
  }

  init(_ hands: Hands, _ answer: RankAnswer) {
    self.hands = hands
    self.answer = answer
  }

  var isRank: Bool { true }
  var isExplained: Bool { false }

  func cancel() { answer.cancel() }

  func writeSummary(_ tally: Tally, into out: inout ByteWriter) {}

  func run(_ block: Block, index: Int, done: @escaping @Sendable (BlockResult) -> Void) {
    done(run(block, index: index))
  }

  private func run(_ block: Block, index: Int) -> BlockResult {
    var result = BlockResult(index: index)
    if answer.isCancelled { return result }
    let hand = hands.borrow()
    defer { hands.giveBack(hand) }
    let open = block.count < Self.smallBlock ? takeOpen(index) : nil
    let part = open ?? answer.makePart()
    let before = part.totals
    let memoryBefore = part.memory
    do throws(WireError) {
      result.stop = try hand.work { (worker) throws(WireError) in worker.rank(block, into: part) }
    } catch {
      result.fault = error
    }
    result.tally.totals = part.totals
    result.tally.totals.subtract(before)
    hands.shadow?.offer(.lines(block), bytes: block.count, count: result.tally.totals.lines)
    result.isOverMemory = !answer.hold(part.memory - memoryBefore)
    place(part, block, index, result.stop, isOpen: open != nil)
    return result
  }

  private static let smallBlock = 1 << 15
  private static let mostOpen = 1 << 18

  /// The part for small blocks, when this block is the next in order.
  private func takeOpen(_ index: Int) -> RankPart? {
    let part = answer.makePart()
    return shared.withLock { shared in
      // After the stream's end no part is open any more: a block cut ahead of time holds the next request's lines.
      guard !shared.isSealed, shared.next == index, shared.waiting.isEmpty else { return nil }
      let open = shared.open ?? part
      shared.open = open
      return open
    }
  }

  /// Puts a part in its place, and with it all that waited for it.
  private func place(_ part: RankPart, _ block: Block, _ index: Int, _ stop: BatchWorker.Stop, isOpen: Bool) {
    shared.withLock { shared in
      if isOpen {
        shared.next += 1
        shared.openBytes += block.count
        shared.ready.append(Step(block: (block, stop)))
        if stop != .none { shared.isSealed = true }
        if shared.isSealed || shared.openBytes > Self.mostOpen { flush(&shared) }
      } else {
        shared.waiting[index] = Step(part: part, block: (block, stop))
      }
      while let waiting = shared.waiting.removeValue(forKey: shared.next) {
        shared.next += 1
        if shared.isSealed { continue }
        flush(&shared)
        shared.ready.append(waiting)
        if waiting.block?.stop != BatchWorker.Stop.none { shared.isSealed = true }
      }
    }
    // What comes between the last look at what is ready and the end of adding waits for the next block, or the plan.
    _ = adding.withLockIfAvailable { _ in addReady() }
  }

  private func flush(_ shared: inout Shared) {
    guard let open = shared.open else { return }
    shared.ready.append(Step(part: open))
    shared.open = nil
    shared.openBytes = 0
  }

  /// Adds what is next in order; one thread at a time.
  private func addReady() {
    while true {
      let ready = shared.withLock { shared in
        defer { shared.ready = [] }
        return shared.ready
      }
      if ready.isEmpty { return }
      for step in ready {
        if let part = step.part { answer.add(part) }
        if let block = step.block { answer.digest(block.bytes, block.stop) }
      }
    }
  }

  /// Plans, after the last block.
  func plan(_ done: @escaping @Sendable (RankAnswer.Outcome) -> Void) {
    shared.withLock { flush(&$0) }
    adding.withLock { _ in addReady() }
    answer.plan(done)
  }

  /// Scores a request's own candidates.
  func readInline(_ block: Block, usersAt at: Int) throws(WireError) {
    let hand = hands.borrow()
    defer { hands.giveBack(hand) }
    let part = answer.makePart()
    try hand.work { (worker) throws(WireError) in try worker.rank(block, usersAt: at, into: part) }
    hands.shadow?.offer(.users(block, at: at), bytes: block.count, count: part.totals.lines)
    answer.add(part)
  }
}
