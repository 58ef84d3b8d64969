import NIOCore
import RouseCore
import RouseWire
import Synchronization

/// The work of a `rank` over the standing audience: threads take slices of it, some at a time, until all are scored.
final class AudienceRank: Sendable {
  let answer: RankAnswer
  /// How many may step at once.
  let threads: Int
  private let view: AudienceView
  private let hands: Hands
  private let facts: Bool
  private let slices: Int
  private let next = Atomic<Int>(0)
  private let finished = Atomic<Int>(0)
  private let order = InOrder<RankPart>()

  private struct Idle: @unchecked Sendable {
    // Sendable because it stays under the lock.
    var readers: [AudienceView.Reader] = []
  }
  private let idle = Mutex(Idle())

  enum Step: Sendable {
    /// There is more to do.
    case more
    /// All slices are taken, and others work on the last of them.
    case over
    /// All is scored, and this was the last.
    case complete
    case failed(WireError)
  }

  /// Candidates of one slice, and slices of one step: the ledger's memory is held for a slice, the thread for a step.
  private static let slice = 4096
  private static let stepSlices = 16

  init(
    _ view: AudienceView, now: Int64, facts: Bool, rows: RankRows, longestLine: Int, shadow: ShadowWatch? = nil,
    _ answer: (Hands) -> RankAnswer
  ) {
    self.view = view
    hands = Hands(view.live, now: now, longestLine: longestLine, ledger: view.ledger, shadow: shadow)
    self.answer = answer(hands)
    self.facts = facts
    slices = max(1, (view.slots + Self.slice - 1) / Self.slice)
    threads = min(slices, System.coreCount)
  }

  func step() -> Step {
    let reader = idle.withLock { $0.readers.popLast() } ?? view.reader((hands.scorer, hands.writer), facts: facts)
    defer { idle.withLock { $0.readers.append(reader) } }
    for _ in 0..<Self.stepSlices {
      if answer.isCancelled { return .over }
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < slices else { return .over }
      let part = answer.makePart()
      let slots = (index * Self.slice)..<min((index + 1) * Self.slice, view.slots)
      do throws(WireError) {
        try reader.rank(slots, into: part)
      } catch {
        return .failed(error)
      }
      hands.shadow?.offer(
        .audience(view, slots), bytes: ShadowQueue.sliceBytes, count: part.totals.lines)
      guard answer.hold(part.memory) else { return .failed(RankAnswer.outOfMemory) }
      order.submit(index, part, isLast: false) { part, _ in answer.add(part) }
      if finished.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == slices { return .complete }
    }
    return .more
  }
}
