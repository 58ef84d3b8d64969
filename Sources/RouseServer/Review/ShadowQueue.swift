import RouseCore
import RouseWire
import Synchronization

/// Where a request puts its candidates for the shadow: whole blocks as they came, which are kept and not copied.
struct ShadowWatch: Sendable {
  fileprivate let queue: ShadowQueue
  fileprivate let live: LivePolicy
  fileprivate let now: Int64
  fileprivate let usesLedger: Bool

  init(queue: ShadowQueue, live: LivePolicy, now: Int64, usesLedger: Bool) {
    self.queue = queue
    self.live = live
    self.now = now
    self.usesLedger = usesLedger
  }

  /// Offers what was decided on just now.
  /// - Parameter count: candidates.
  func offer(_ candidates: ShadowItem.Candidates, bytes: Int, count: Int) {
    guard count > 0 else { return }
    queue.put(bytes: bytes, count: count) {
      ShadowItem(
        live: live, now: now, usesLedger: usesLedger, candidates: candidates, bytes: bytes, count: count)
    }
  }

  /// Offers candidates that stand in memory that is not theirs: it is copied if there is room.
  func offer(copyOf line: UnsafeRawBufferPointer, usersAt at: Int, count: Int) {
    guard count > 0 else { return }
    queue.put(bytes: line.count, count: count) {
      ShadowItem(
        live: live, now: now, usesLedger: usesLedger, candidates: .users(Block(line), at: at), bytes: line.count,
        count: count)
    }
  }
}

/// Candidates of a request that was answered.
struct ShadowItem: Sendable {
  enum Candidates: Sendable {
    /// Lines, up to a control that ends them.
    case lines(Block)
    /// In a request's line, from this offset on.
    case users(Block, at: Int)
    /// Of the standing audience: users by number.
    case audience(AudienceView, Range<Int>)
  }
  /// What the request was answered by.
  let live: LivePolicy
  /// Seconds since 1970.
  let now: Int64
  let usesLedger: Bool
  let candidates: Candidates
  let bytes: Int
  let count: Int
}

/// What waits for the shadow: bounded, and never waited for.
final class ShadowQueue: Sendable {
  /// Bytes, and requests or blocks, that may wait.
  static let mostBytes = 4 << 20
  static let mostItems = 1024
  /// Bytes that a slice of the audience counts for: its lines are read when its turn comes.
  static let sliceBytes = 1 << 18

  private let items = Mutex<[ShadowItem]>([])
  /// What has been put in and not been worked off. Looked at before the lock is taken: a full queue costs no more than this.
  private let bytes = Atomic<Int>(0)
  private let count = Atomic<Int>(0)
  private let seen = Atomic<Int>(0)
  private let dropped = Atomic<Int>(0)

  var counts: (seen: Int, dropped: Int) {
    // What was dropped was seen: in this order they never contradict each other.
    let dropped = dropped.load(ordering: .acquiring)
    return (seen.load(ordering: .acquiring), dropped)
  }

  /// Puts in what there is room for, and never waits.
  /// - Parameter make: called where there is room.
  func put(bytes wanted: Int, count candidates: Int, _ make: () -> ShadowItem) {
    seen.wrappingAdd(candidates, ordering: .releasing)
    let isRoom =
      bytes.load(ordering: .relaxed) + wanted <= Self.mostBytes && count.load(ordering: .relaxed) < Self.mostItems
    if isRoom {
      // Made outside the lock, which event loops take turns at.
      let item = make()
      if items.withLockIfAvailable({ $0.append(item) }) != nil {
        bytes.wrappingAdd(wanted, ordering: .relaxed)
        count.wrappingAdd(1, ordering: .relaxed)
        return
      }
    }
    dropped.wrappingAdd(candidates, ordering: .releasing)
  }

  /// All that waits, in its order. The lock is held for an exchange alone: whoever takes it may be made to wait in the midst
  /// of its work.
  func takeAll() -> [ShadowItem] {
    var taken: [ShadowItem] = []
    items.withLock { swap(&$0, &taken) }
    return taken
  }

  /// Makes the room of one that was taken free again.
  func finish(_ item: ShadowItem) {
    bytes.wrappingSubtract(item.bytes, ordering: .relaxed)
    count.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Forgets what waits, and what was counted.
  func clear() {
    for item in takeAll() { finish(item) }
    seen.store(0, ordering: .releasing)
    dropped.store(0, ordering: .releasing)
  }
}
