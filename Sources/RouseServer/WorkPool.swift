import Glibc
import NIOPosix
import Synchronization

/// The threads that decode, score and plan. Requests with a few candidates have threads of their own, so that no bulk rank
/// stands in their way; the bulk's yield to all others. Reviews, which may take minutes, are worked off one at a time, and
/// so are the operator's figures, which wait for nobody else.
final class WorkPool: Sendable {
  enum Lane: Sendable {
    case quick
    case bulk
    case review
    case figures
  }

  private let quick: NIOThreadPool
  private let bulk: NIOThreadPool
  private let review = NIOThreadPool(numberOfThreads: 1)
  private let figures = NIOThreadPool(numberOfThreads: 1)
  private let waiting = Atomic<Int>(0)
  private let running = Atomic<Int>(0)
  /// Reviews that no thread has taken up.
  private let reviews = Atomic<Int>(0)
  static let mostReviews = 32
  /// Nanoseconds a job takes, about.
  private let pace = Atomic<UInt64>(1_000_000)
  private let threads: Int

  init(threads: Int) {
    self.threads = max(1, threads)
    quick = NIOThreadPool(numberOfThreads: self.threads)
    bulk = NIOThreadPool(numberOfThreads: self.threads)
    quick.start()
    bulk.start()
    review.start()
    figures.start()
  }

  /// Jobs that no thread has taken up.
  var backlog: Int { waiting.load(ordering: .relaxed) }

  /// Jobs that threads are at, reviews among them.
  var underWay: Int { running.load(ordering: .relaxed) }

  /// As many reviews wait as may.
  var isDeskFull: Bool { reviews.load(ordering: .relaxed) >= Self.mostReviews }

  /// When a refused request may be sent again, by what waits now: milliseconds.
  var retryAfterMS: Int {
    let nanoseconds = UInt64(max(1, backlog)) &* pace.load(ordering: .relaxed) / UInt64(threads)
    return Int(min(max(nanoseconds / 1_000_000, 10), 10_000))
  }

  /// Runs work on a thread of its lane; `refused` when the server has stopped.
  func submit(_ lane: Lane, _ work: @escaping @Sendable () -> Void, refused: @escaping @Sendable () -> Void) {
    // What waits for a review to end is no sign of overload, and how long one takes says nothing of other requests.
    let counts = lane == .quick || lane == .bulk
    if counts { waiting.wrappingAdd(1, ordering: .relaxed) }
    if lane == .review { reviews.wrappingAdd(1, ordering: .relaxed) }
    let pool =
      switch lane {
      case .quick: quick
      case .bulk: bulk
      case .review: review
      case .figures: figures
      }
    pool.submit { state in
      if counts { self.waiting.wrappingSubtract(1, ordering: .relaxed) }
      if lane == .review { self.reviews.wrappingSubtract(1, ordering: .relaxed) }
      guard case .active = state else { return refused() }
      Self.yieldToOthers(lane)
      self.running.wrappingAdd(1, ordering: .relaxed)
      defer { self.running.wrappingSubtract(1, ordering: .relaxed) }
      let began = Session.Time.now().monotonic
      work()
      guard counts else { return }
      let took = Session.Time.now().monotonic &- began
      // A drifting mean; a lost update does no harm.
      let mean = self.pace.load(ordering: .relaxed)
      self.pace.store(mean - mean / 8 + took / 8, ordering: .relaxed)
    }
  }

  func shutDown() async {
    try? await quick.shutdownGracefully()
    try? await bulk.shutdownGracefully()
    try? await review.shutdownGracefully()
    try? await figures.shutdownGracefully()
  }

  /// Lowers this thread's priority, once: the event loops come first, which say at once what cannot be done, and the bulk
  /// last. Linux counts niceness by thread.
  private static func yieldToOthers(_ lane: Lane) {
    let niceness: CInt =
      switch lane {
      case .quick: 2
      case .bulk, .figures: 7
      case .review: 12
      }
    let thread = __priority_which_t(PRIO_PROCESS.rawValue)
    guard getpriority(thread, 0) < niceness else { return }
    setpriority(thread, 0, niceness)
  }
}
