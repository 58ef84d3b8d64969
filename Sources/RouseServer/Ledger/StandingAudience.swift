import Foundation
import Logging
import RouseCore
import RouseLedger
import RouseWire
import Synchronization

/// The standing audience in memory: columns directed by the live policy's fields, beside the lines that the ledger keeps.
/// They change only within the ledger's own order of changes, so they are what the ledger holds; a policy with other
/// fields has them made anew from the lines, while the old ones stay.
final class StandingAudience: Sendable {
  private let ledger: Ledger
  private let logger: Logger
  private let longestLine: Int

  /// Under the ledger's lock: read within `Ledger.read`, changed within what `Ledger.load` and `erase` apply.
  private struct Columns: Sendable {
    var audience: Audience?
    /// Whose fields direct them.
    var live: LivePolicy?
  }
  /// Which columns they are is under a lock of its own: where nothing can be recorded any more they are still exchanged.
  private let columns = Mutex(Columns())

  private struct State {
    /// The policy that columns are being made for.
    var making: LivePolicy?
    /// Users whose lines have changed since the making began.
    var changed: Set<Int> = []
    /// Whether somebody makes columns.
    var isMaking = false
    var count = 0
  }
  private let state = Mutex(State())

  init(_ ledger: Ledger, logger: Logger, longestLine: Int) {
    self.ledger = ledger
    self.logger = logger
    self.longestLine = longestLine
  }

  /// Candidates that can be asked for.
  var count: Int { state.withLock { $0.count } }

  // MARK: - Changes, within the ledger's order

  /// Candidates as they were read, some of which may be taken out.
  final class Images: @unchecked Sendable {
    // Sendable because one thread fills it, and only then hands it over.
    fileprivate let images: AudienceImages
    /// By candidate: the image's index, or -1 for one who leaves.
    fileprivate private(set) var indices: [Int] = []

    init(_ policy: Policy) { images = AudienceImages(fields: policy.fields, experiment: policy.experiment) }

    func append(_ row: CandidateRow) {
      indices.append(images.count)
      images.append(row)
    }

    func appendNone() { indices.append(-1) }
  }

  /// - Parameter users: of the images, in order; -1: nobody.
  func put(_ images: Images, of users: [Int]) {
    note(users)
    let columns = columns.withLock { $0 }
    guard let audience = columns.audience, let live = columns.live else { return }
    if audience.matches(images.images.fields) {
      for (user, index) in zip(users, images.indices) where user >= 0 {
        if index >= 0 { audience.put(user, images.images, index) } else { audience.remove(user) }
      }
    } else {
      mend(users.filter { $0 >= 0 }, audience, live)
    }
    setCount(audience)
  }

  /// Reads users again who were read under another policy than the columns are directed by: what they hold of them is not
  /// true any more. Their lines are durable by now.
  private func mend(_ users: [Int], _ audience: Audience, _ live: LivePolicy) {
    do throws(LedgerError) {
      try readAgain(users, into: audience, live, LoadWorker(tables: live.tables, longestLine: longestLine))
    } catch {
      for user in users { audience.remove(user) }
      logger.error(
        "candidates cannot be read from the ledger; they are out of the audience until they are loaded again",
        metadata: ["candidates": "\(users.count)", "reason": "\(error)"])
    }
  }

  /// - Parameter users: who are gone; -1: nobody.
  func remove(_ users: [Int]) {
    note(users)
    guard let audience = columns.withLock({ $0.audience }) else { return }
    for user in users where user >= 0 { audience.remove(user) }
    setCount(audience)
  }

  private func note(_ users: [Int]) {
    state.withLock { state in
      guard state.isMaking else { return }
      for user in users where user >= 0 { state.changed.insert(user) }
    }
  }

  private func setCount(_ audience: Audience) {
    let count = audience.count
    state.withLock { $0.count = count }
  }

  // MARK: - Asking

  /// Lets the columns be read: only while the ledger's memory is held.
  func audience(_ standing: Standing) -> Audience? { columns.withLock { $0.audience } }

  /// The candidates of whom a condition holds.
  func view(of condition: String, _ live: LivePolicy) throws(WireError) -> AudienceView {
    let compiled: AudienceCondition
    do throws(ConditionError) {
      compiled = try AudienceCondition(condition, policy: live.policy)
    } catch {
      throw WireError(
        .badRequest, "the condition is faulty at its character \(error.column): \(error.message)", at: "/audience")
    }
    let fits = columns.withLock { $0.audience?.matches(live.policy.fields) }
    switch fits {
    case true?:
      if let view = AudienceView(self, ledger, live: live, condition: compiled) { return view }
      fallthrough
    case nil: throw Self.beingArranged
    case false?:
      if state.withLock({ $0.making?.policy.version }) == live.policy.version { throw Self.beingArranged }
      throw WireError(
        .badRequest, "the audience stands under a policy that declares other fields than this one", at: "/policy")
    }
  }

  private static let beingArranged = WireError(
    .overloaded, "the audience is being arranged for the policy; try again", retryAfterMS: 1000)

  // MARK: - Making the columns

  /// Makes the columns for a policy, unless those that are there will do. Returns at once.
  func arrange(for live: LivePolicy) {
    let begins = state.withLock { state in
      let isSame =
        state.making?.policy.fields.declared == live.policy.fields.declared
        && state.making?.policy.definition.experiment.salt == live.policy.definition.experiment.salt
      state.making = live
      guard !isSame, !state.isMaking else { return false }
      state.isMaking = true
      return true
    }
    guard begins else { return }
    let thread = Thread { self.make() }
    thread.stackSize = 1 << 22
    thread.start()
  }

  /// Until the columns are those of the policy that was asked for last.
  private func make() {
    while let live = state.withLock({ state in
      state.changed = []
      return state.making
    }) {
      do throws(LedgerError) {
        let made = try read(live)
        if try publish(made, live) { return }
      } catch {
        return giveUp(live, error)
      }
    }
  }

  /// What failed once may go well later.
  private func giveUp(_ live: LivePolicy, _ error: LedgerError) {
    state.withLock { state in
      state.isMaking = false
      state.making = nil
    }
    guard error.kind != .closed else { return }
    logger.error(
      "the audience cannot be arranged; it is tried again", metadata: ["reason": "\(error)", "seconds": "30"])
    DispatchQueue.global().asyncAfter(deadline: .now() + 30) { [self] in
      if state.withLock({ $0.making == nil }) { arrange(for: live) }
    }
  }

  /// All of the lines, as they are now or later: who changes meanwhile is noted.
  private func read(_ live: LivePolicy) throws(LedgerError) -> Audience {
    let audience = Audience(fields: live.policy.fields)
    audience.useShares(of: live.policy.experiment)
    let worker = LoadWorker(tables: live.tables, longestLine: longestLine)
    var unreadable = 0
    try ledger.eachCandidate(from: 0, batch: Self.batch) { batch in
      let userIDs = ledger.read { standing in
        Dictionary(batch.map { ($0.user, Array(standing.userID($0.user))) }) { first, _ in first }
      }
      unreadable += put(batch.map { ($0.user, $0.line) }, of: userIDs, into: audience, live, worker)
      return state.withLock { $0.making === live }
    }
    if unreadable > 0 {
      logger.error(
        "candidates in the ledger cannot be read: its file is damaged; they are out of the audience until they are loaded again",
        metadata: ["candidates": "\(unreadable)"])
    }
    return audience
  }
  private static let batch = 2048

  /// - Returns: how many lines are no candidate's.
  @discardableResult
  private func put(
    _ lines: [(user: Int, line: [UInt8])], of userIDs: [Int: [UInt8]], into audience: Audience, _ live: LivePolicy,
    _ worker: LoadWorker
  ) -> Int {
    var unreadable = 0
    let images = AudienceImages(
      fields: live.policy.fields, experiment: userIDs.isEmpty ? nil : live.policy.experiment)
    var bytes = ByteWriter(capacity: 512 * lines.count)
    var ends: [Int] = []
    for (_, line) in lines {
      bytes.write(line)
      ends.append(bytes.count)
      bytes.put(0x0A)
    }
    let block = Block(bytes.bytes)
    var start = 0
    for ((user, _), end) in zip(lines, ends) {
      let index = images.count
      let isRead = worker.readKept(UnsafeRawBufferPointer(rebasing: block.bytes[start..<end])) { row in
        (userIDs[user] ?? []).withUnsafeBytes { row.identify($0) }
        images.append(row)
      }
      if isRead {
        audience.put(user, images, index)
      } else {
        audience.remove(user)
        unreadable += 1
      }
      start = end + 1
    }
    return unreadable
  }

  /// Puts the columns in the place of the old ones, within the ledger's order: there nobody changes, and what was noted as
  /// changed is read again. False when another policy is wanted by now.
  private func publish(_ made: Audience, _ live: LivePolicy) throws(LedgerError) -> Bool {
    let worker = LoadWorker(tables: live.tables, longestLine: longestLine)
    while true {
      let done = DispatchSemaphore(value: 0)
      let outcome = Mutex<Published?>(nil)
      let failure = Mutex<LedgerError?>(nil)
      ledger.load(
        [],
        apply: { _ in
          let outcomeNow = self.tryToPublish(made, live, worker)
          outcome.withLock { $0 = outcomeNow }
        },
        done: { answer in
          if case .failure(let error) = answer { failure.withLock { $0 = error } }
          done.signal()
        })
      done.wait()
      switch outcome.withLock({ $0 }) {
      case .published?: return true
      case .stale?: return false
      case .changed(let users)?: try readAgain(users, into: made, live, worker)
      case nil:
        let error = failure.withLock { $0 } ?? LedgerError(.closed, "the ledger is closed")
        // Where nothing can be recorded, nothing changes: there is no order to keep.
        guard error.kind == .storage, case .published = tryToPublish(made, live, worker) else { throw error }
        return true
      }
    }
  }

  private enum Published {
    case published
    /// Another policy is wanted.
    case stale
    /// Too many have changed to read them again while all wait.
    case changed([Int])
  }

  private func tryToPublish(_ made: Audience, _ live: LivePolicy, _ worker: LoadWorker) -> Published {
    let (wanted, changed) = state.withLock { state in
      defer { state.changed = [] }
      return (state.making, Array(state.changed))
    }
    guard wanted === live else { return .stale }
    guard changed.count <= Self.mostChanged else { return .changed(changed) }
    guard (try? readAgain(changed, into: made, live, worker)) != nil else { return .changed(changed) }
    made.settle()
    columns.withLock { $0 = Columns(audience: made, live: live) }
    state.withLock { state in
      state.isMaking = false
      state.count = made.count
    }
    if made.count > 0 {
      logger.info("the audience stands", metadata: ["candidates": "\(made.count)", "bytes": "\(made.memory)"])
    }
    return .published
  }
  private static let mostChanged = 1000

  private func readAgain(
    _ users: [Int], into audience: Audience, _ live: LivePolicy, _ worker: LoadWorker
  ) throws(LedgerError) {
    var rest = users[...]
    while !rest.isEmpty {
      let part = Array(rest.prefix(Self.batch))
      rest = rest.dropFirst(part.count)
      for (user, line) in zip(part, try ledger.lines(of: part)) {
        // The share of one who came meanwhile is hashed when it is asked for.
        if let line { put([(user, line)], of: [:], into: audience, live, worker) } else { audience.remove(user) }
      }
    }
  }

}
