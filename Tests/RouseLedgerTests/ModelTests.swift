import Glibc
import RouseCore
import RouseLedger
import TestData
import Testing

/// Random histories against a plain model: whatever is done, however it ends, what was acknowledged is there once, and
/// nothing else. `ROUSE_SEED=17` runs one history again.
@Suite struct ModelTests {
  @Test(arguments: 0..<4) func histories(part: Int) throws {
    if let asked = getenv("ROUSE_SEED").flatMap({ UInt64(String(cString: $0)) }) {
      if part == 0 { try History(seed: asked).run() }
      return
    }
    for seed in (UInt64(part) * 250)..<(UInt64(part) * 250 + 250) {
      guard try History(seed: seed).run() else { return }
    }
  }
}

private final class History {
  private let seed: UInt64
  private var random: SplitMix
  private var folder = TestFolder()
  private var ledger: Ledger
  private var store: WatchedStore
  private var model: Model
  private var now = Ledger.noon
  /// The ledger's sequence and the model's count of work at moments since it was opened.
  private var marks: [(sequence: UInt64, work: Int)] = []
  private let watcher: Watcher
  private let users = (0..<10).map { "user\($0)" }

  /// What goes on at the store's calls.
  private final class Watcher {
    var countdown = Int.max
    var action: () throws -> Void = {}
    /// What it holds on to is let go.
    func rest() {
      countdown = .max
      action = {}
    }

    func called() throws {
      countdown -= 1
      if countdown == 0 { try action() }
    }
  }

  private static var retention: Ledger.Retention {
    var retention = Ledger.Retention()
    retention.events = 30
    retention.byKind["click"] = 5
    retention.plans = 10
    return retention
  }

  init(seed: UInt64) throws {
    self.seed = seed
    random = SplitMix(state: seed)
    model = Model(lease: 2 * 86_400, retention: Self.retention)
    let watcher = Watcher()
    self.watcher = watcher
    (ledger, store) = try Self.open(folder, watcher)
    mark()
  }

  private static func open(_ folder: TestFolder, _ watcher: Watcher) throws -> (Ledger, WatchedStore) {
    let store = WatchedStore(try SQLiteStore(folder.ledger)) { _, _ in try watcher.called() }
    let settings = Ledger.settings(folder, leaseSeconds: 2 * 86_400, retention: retention)
    return (try Ledger(settings, store: store) { _ in }, store)
  }

  private let isAsked = getenv("ROUSE_SEED") != nil

  private func mark() { marks.append((ledger.sequence, model.work)) }

  private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
  private func pick<Element>(_ all: [Element]) -> Element { all[Int.random(in: 0..<all.count, using: &random)] }

  /// False when something was wrong.
  @discardableResult func run() throws -> Bool {
    defer { ledger.close() }
    for step in 0..<12 {
      now += Int64.random(in: 0..<100_000, using: &random)
      // A pass goes on beside other work, so it is looked at by itself.
      let works = chance(12) ? [sweep()] : (0..<Int.random(in: 1...4, using: &random)).map { _ in work() }
      let way = Int.random(in: 0..<10, using: &random)
      if isAsked { print("step \(step) at \(now), way \(way): \(works)") }
      let isRight =
        switch way {
        case 0: try crash(works)
        case 1: try failure(works)
        default: try plain(works)
        }
      guard isRight else {
        Issue.record("ROUSE_SEED=\(seed) goes wrong at step \(step)")
        return false
      }
      if chance(15) {
        ledger.close()
        guard try reopen(folder, [model]) else {
          Issue.record("ROUSE_SEED=\(seed) goes wrong when it is opened again after step \(step)")
          return false
        }
      }
    }
    ledger.close()
    let findings = try LedgerFile.check(folder.ledger)
    if !findings.isEmpty { Issue.record("ROUSE_SEED=\(seed): \(findings)") }
    return findings.isEmpty
  }

  // MARK: - How it goes

  private func plain(_ works: [Task]) throws -> Bool {
    let answers = works.map { submit($0) }.map { $0.wait() }
    for (work, answer) in zip(works, answers) {
      let expected = carryOut(work, &model)
      if answer != expected {
        Issue.record("\(work): \(answer), not \(expected)")
        return false
      }
    }
    mark()
    return isSame(try Portrait.of(ledger, users: users), Portrait.of(model, users: users))
  }

  /// The file as it is on the disk in the middle of it is what a crash leaves.
  private func crash(_ works: [Task]) throws -> Bool {
    let other = TestFolder()
    let from = folder
    watcher.countdown = Int.random(in: 1...60, using: &random)
    nonisolated(unsafe) var acknowledged: Int?
    nonisolated(unsafe) var answered = 0
    watcher.action = {
      acknowledged = answered
      for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
        TestFolder.write(TestFolder.bytes(from.file(name)), to: other.file(name))
      }
    }
    let arrivals = works.map { submit($0) { answered += 1 } }
    for arrival in arrivals { _ = arrival.wait() }
    // What the writer does after it has answered may still go on.
    ledger.close()
    watcher.rest()
    guard let acknowledged else {
      for work in works { _ = carryOut(work, &model) }
      return try reopen(folder, [model])
    }
    folder = other
    return try reopen(other, Array(states(works).dropFirst(acknowledged)), after: works)
  }

  /// The store fails in the middle of it, and is not asked again.
  private func failure(_ works: [Task]) throws -> Bool {
    nonisolated(unsafe) var hasFailed = false
    watcher.countdown = Int.random(in: 1...60, using: &random)
    watcher.action = {
      hasFailed = true
      throw StoreError.storage("no space is left")
    }
    let answers = works.map { submit($0) }.map { $0.wait() }
    // What the writer does after it has answered may fail as well.
    _ = submit(.load([])).wait()
    let all = states(works)
    let acknowledged = (answers.lastIndex { $0 != "storage" } ?? -1) + 1
    watcher.countdown = .max
    if hasFailed {
      while ledger.health == .sound { usleep(100) }
      let calls = store.calls
      // An erasure that is durable and has left traces is not acknowledged, though what came with it is.
      guard case .degraded = ledger.health,
        zip(works, answers).prefix(acknowledged).allSatisfy({ $0.isErasure || $1 != "storage" })
      else {
        Issue.record("\(answers), \(ledger.health)")
        return false
      }
      let again = submit(.load([])).wait()
      guard again == "storage", store.calls == calls else {
        Issue.record("after a failure: \(again), \(store.calls - calls) calls")
        return false
      }
      // Work that was not acknowledged shows nowhere.
      let seen = Portrait.memory(of: ledger, users: users)
      let mayShow = works.dropFirst(acknowledged).contains(where: \.isErasure) ? works.count : acknowledged
      let possible = all[acknowledged...mayShow].map { Portrait.memory(of: $0, users: users) }
      guard possible.contains(seen) || isSame(seen, possible[0]) else { return false }
    }
    ledger.close()
    return try reopen(folder, hasFailed ? Array(all.dropFirst(acknowledged)) : [all[works.count]], after: works)
  }

  /// The model before any of the work, after the first piece of it, and so on.
  private func states(_ works: [Task]) -> [Model] {
    var state = model
    var states = [state]
    for work in works {
      _ = carryOut(work, &state)
      states.append(state)
    }
    return states
  }

  /// - Parameter works: what was broken off.
  private func reopen(_ folder: TestFolder, _ states: [Model], after works: [Task] = []) throws -> Bool {
    (ledger, store) = try Self.open(folder, watcher)
    var states = states
    for index in states.indices { states[index].restart() }
    if case .sweep(let now)? = works.first {
      // A part of it may have been done: another pass does the rest.
      for index in states.indices { states[index].sweep(now) }
      _ = submit(.sweep(now)).wait()
    }
    let seen = try Portrait.of(ledger, users: users)
    guard let state = states.first(where: { Portrait.of($0, users: users) == seen }) else {
      Issue.record("after it was opened again it is none of \(states.count) states")
      return isSame(seen, states.first.map { Portrait.of($0, users: users) } ?? [])
    }
    model = state
    marks = []
    mark()
    return true
  }

  private func isSame(_ seen: [String], _ expected: [String]) -> Bool {
    if seen == expected { return true }
    let difference = zip(seen, expected).first { $0 != $1 } ?? ("\(seen.count) lines", "\(expected.count) lines")
    Issue.record("\(difference.0)\nis not\n\(difference.1)")
    return false
  }

  // MARK: - Work

  private enum Task {
    case record([EventEntry], now: Int64)
    case load([Ledger.Candidate])
    case commit(PlanDraft, seen: Int)
    case erase([String])
    case sweep(Int64)

    var isErasure: Bool { if case .erase = self { true } else { false } }
  }

  private func carryOut(_ work: Task, _ model: inout Model) -> String {
    switch work {
    case .record(let entries, let now): return "\(model.record(entries, now).map(\.rawValue))"
    case .load(let candidates): return "\(model.load(candidates))"
    case .commit(let draft, let seen): return model.commit(draft, seen: seen)
    case .erase(let users): return "\(model.erase(users))"
    case .sweep(let now):
      model.sweep(now)
      return "()"
    }
  }

  private func submit(_ work: Task, _ answered: @escaping () -> Void = {}) -> Arrival<String> {
    let arrival = Arrival<String>()
    nonisolated(unsafe) let note = answered
    @Sendable func put<Answer>(_ result: Result<Answer, LedgerError>, _ text: (Answer) -> String) {
      note()
      switch result {
      case .success(let answer): arrival.put(text(answer))
      case .failure(let error): arrival.put("\(error.kind)")
      }
    }
    switch work {
    case .record(let entries, let now):
      ledger.record(entries, now: now) { put($0) { "\($0.map(\.rawValue))" } }
    case .load(let candidates): ledger.load(candidates, apply: { _ in }, done: { put($0) { "\($0)" } })
    case .commit(let draft, _): ledger.commit(draft) { put($0) { $0.name } }
    case .erase(let users): ledger.erase(users.map { Array($0.utf8) }, apply: { _ in }, done: { put($0) { "\($0)" } })
    case .sweep(let now): ledger.sweep(now: now) { put($0) { "\($0)" } }
    }
    return arrival
  }

  private func work() -> Task {
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<9:
      let count = Int.random(in: 0...6, using: &random)
      return .record((0..<count).map { _ in entry() }, now: now - (chance(5) ? 40 * 86_400 : 0))
    case 9..<13:
      let count = Int.random(in: 0...5, using: &random)
      return .load(
        (0..<count).map { _ in
          let size = Int.random(in: 1...600, using: &random)
          return .init(pick(users), chance(75) ? String(repeating: pick(["x", "y"]), count: size) : nil)
        })
    case 13..<17:
      let some = users.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
      let (sequence, work) = chance(70) ? marks[marks.count - 1] : pick(marks)
      let draft = PlanDraft(
        key: chance(70) ? "plan\(Int.random(in: 0..<12, using: &random))" : nil, digest: chance(80) ? 1 : 2,
        seen: sequence, made: now, contacts: Array(some.dropLast(some.count / 3)), ghosts: some.suffix(some.count / 3))
      return .commit(draft, seen: work)
    case 17: return .erase((0..<Int.random(in: 0...2, using: &random)).map { _ in pick(users) })
    default: return .load([])
    }
  }

  /// The clock may jump.
  private func sweep() -> Task { .sweep(now + (chance(10) ? 1000 * 86_400 : 0) - (chance(10) ? 20 * 86_400 : 0)) }

  private func entry() -> EventEntry {
    let key = Int.random(in: 0..<40, using: &random)
    // A key has the same event nearly always.
    let variant = chance(90) ? 0 : 1
    var own = SplitMix(state: UInt64(key * 2 + variant))
    let kinds: [EventKind] = [
      .contact, .contact, .contact, .click, .disbursed, .optOut, .optIn, .complaint, .step("apply"), .delivered,
    ]
    let kind = kinds[Int.random(in: 0..<kinds.count, using: &own)]
    let user = users[Int.random(in: 0..<users.count, using: &own)]
    let channels = ["push", "sms", "call"]
    var event = Event(
      "key\(key)", user, kind, at: Ledger.noon - Int64.random(in: 0..<(25 * 86_400), using: &own))
    if Bool.random(using: &own) {
      event.at += 40 * 86_400
    }
    if kind == .contact || kind == .delivered { event.channel = channels[Int.random(in: 0..<3, using: &own)] }
    if Int.random(in: 0..<3, using: &own) > 0 { event.plan = "P\(Int.random(in: 1..<6, using: &own))" }
    if kind == .disbursed { event.amount = Int64.random(in: 0..<1_000_000, using: &own) }
    return EventEntry(event, fault: chance(5) ? .future : nil)
  }
}
