import RouseCore
import RouseLedger
import RouseReview
import RouseWire
import Synchronization

/// The op `review`: what came of the contacts of a period.
extension Session {
  func reviewPeriod(
    _ request: Request, _ version: LivePolicy, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    let ledger = try keeping(at: "/op").ledger
    try beginWork(deadline)
    let patience = self.patience(deadline)
    let question = try question(request, patience)
    try desk(request, patience, arrival) { () throws(WireError) in
      let review = try reviewing(ledger) { source throws(ReviewError) in
        try Review(of: source, question, under: version.policy)
      }
      return Self.member("review", review.json())
    }
  }

  /// Weeks that are looked back, where the request does not say.
  private static let weeks = 4

  /// What a request says of the past, as known by its `as_of`.
  func question(_ request: Request, _ patience: Patience) throws(WireError) -> ReviewQuestion {
    let now = request.asOf?.seconds ?? min(max(time.wall, Moment.first), Moment.last)
    return ReviewQuestion(
      period: try request.past.period(now: now, weeks: Self.weeks), now: now,
      newUserCost: request.newUserCost.map { Micros.from($0) }, isAbandoned: { patience.isOver },
      takesMemory: { patience.take($0) })
  }

  func patience(_ deadline: UInt64?) -> Patience { Patience(deadline, memory: shared.rankMemory) }

  /// `,"name":{..}`
  static func member(_ name: String, _ json: [UInt8]) -> [UInt8] {
    var out = ByteWriter(capacity: json.count + 64)
    out.put(0x2C)
    out.writeQuoted(name)
    out.put(0x3A)
    out.write(json)
    return out.array
  }

  /// Works a long question off behind all others, on a thread of its own. The request has been begun.
  func desk(
    _ request: Request, _ patience: Patience, _ arrival: UInt64,
    _ answer: @escaping @Sendable () throws(WireError) -> [UInt8]
  ) throws(WireError) {
    try refuseIfDeskIsFull()
    serial += 1
    var pending = Pending(
      id: request.id, operation: request.operation ?? .review, context: nil, deadline: patience.deadline,
      began: arrival)
    pending.cancel = { patience.end() }
    state = .busy(pending)
    schedule(.review) {
      do throws(WireError) { return .reply(try answer()) } catch { return .failed(error) }
    }
  }
}

extension Session {
  /// Long questions are answered one after another. Of one that nobody waits for any more its place stays taken until it
  /// would be its turn, so their number is bounded here and not by that of the connections.
  func refuseIfDeskIsFull() throws(WireError) {
    if shared.isDeskFull() {
      throw WireError(.overloaded, "too many long questions wait to be answered; try again", retryAfterMS: 10_000)
    }
  }
}

/// How long an answer is waited for: until its deadline, and as long as the connection is there; and the memory that it
/// takes while it is made.
final class Patience: Sendable {
  /// Nanoseconds by the monotonic clock.
  let deadline: UInt64?
  private let hasEnded = Atomic<Bool>(false)
  private let memory: MemoryPool
  private let taken = Atomic<Int>(0)

  init(_ deadline: UInt64?, memory: MemoryPool) {
    self.deadline = deadline
    self.memory = memory
  }

  deinit { memory.giveBack(taken.load(ordering: .relaxed)) }

  /// So many bytes more, given back when nobody asks any more; false: there are not so many.
  func take(_ bytes: Int) -> Bool {
    guard memory.take(bytes) else { return false }
    taken.wrappingAdd(max(0, bytes), ordering: .relaxed)
    return true
  }

  func end() { hasEnded.store(true, ordering: .relaxed) }

  var isOver: Bool {
    hasEnded.load(ordering: .relaxed) || deadline.map { Session.Time.now().monotonic > $0 } ?? false
  }
}

/// Asks a ledger a long question, and says in the words of the wire why it has no answer.
/// - Parameter place: of the member that the question's own errors are about.
func reviewing<Answer>(
  _ ledger: Ledger, at place: String? = nil, _ body: (LedgerSource) throws(ReviewError) -> Answer
) throws(WireError) -> Answer {
  do throws(ReviewError) { return try LedgerSource.read(ledger, body) } catch { throw WireError(error, at: place) }
}
