import Glibc
import RouseCore
import RouseLedger
import Synchronization

/// A folder of a test's own, which goes with it.
final class TestFolder: Sendable {
  let path: String
  private static let counter = Atomic<Int>(0)

  init() {
    let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    // Memory, where there is such a folder: what is tested is the order of writes, not the disk.
    let root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    path = "\(root)/rouse-ledger-\(getpid())-\(number)"
    mkdir(path, 0o700)
  }

  deinit {
    for name in names { unlink(path + "/" + name) }
    rmdir(path)
  }

  var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  func file(_ name: String) -> String { path + "/" + name }
  var ledger: String { file("ledger.sqlite") }

  static func bytes(_ file: String) -> [UInt8] {
    let descriptor = open(file, O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &part, part.count)
      if count <= 0 { return bytes }
      bytes.append(contentsOf: part.prefix(count))
    }
  }

  static func write(_ bytes: [UInt8], to file: String) {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var start = 0
    while start < bytes.count {
      let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count <= 0 { return }
      start += count
    }
  }
}

/// A value that arrives on another thread.
final class Arrival<Value: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var value: Value?

  init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    condition = .allocate(capacity: 1)
    pthread_cond_init(condition, nil)
  }

  deinit {
    mutex.deallocate()
    condition.deallocate()
  }

  func put(_ value: Value) {
    pthread_mutex_lock(mutex)
    self.value = value
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  func wait() -> Value {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let value { return value }
      pthread_cond_wait(condition, mutex)
    }
  }
}

/// The ledger's calls, waited for.
extension Ledger {
  static let noon: Int64 = 1_700_000_000

  static func open(
    _ folder: TestFolder, leaseSeconds: Int64 = 3 * 86_400, retention: Retention = Retention(),
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> Ledger {
    try Ledger(settings(folder, leaseSeconds: leaseSeconds, retention: retention), note: note)
  }

  static func settings(
    _ folder: TestFolder, leaseSeconds: Int64 = 3 * 86_400, retention: Retention = Retention()
  ) -> Settings {
    var settings = Settings(file: folder.ledger, leaseSeconds: leaseSeconds, retention: retention)
    settings.sweepsByItself = false
    return settings
  }

  private func wait<Answer: Sendable>(_ body: (@escaping Done<Answer>) -> Void) throws -> Answer {
    let arrival = Arrival<Result<Answer, LedgerError>>()
    body { arrival.put($0) }
    return try arrival.wait().get()
  }

  func record(_ entries: [EventEntry], now: Int64 = noon) throws -> [EventResult] {
    try wait { record(entries, now: now, done: $0) }
  }

  func record(_ events: [Event], now: Int64 = noon) throws -> [EventResult] {
    try record(events.map { EventEntry($0) }, now: now)
  }

  /// The counts, and users' numbers.
  func load(_ candidates: [Candidate]) throws -> (counts: LoadCounts, users: [Int]) {
    let users = Mutex<[Int]>([])
    let counts = try wait { load(candidates, apply: { all in users.withLock { $0 = all } }, done: $0) }
    return (counts, users.withLock { $0 })
  }

  func commit(_ draft: PlanDraft) throws -> PlanCommit { try wait { commit(draft, done: $0) } }

  func erase(_ ids: [String]) throws -> Int {
    try wait { erase(ids.map { Array($0.utf8) }, apply: { _ in }, done: $0) }
  }

  func sweep(_ now: Int64) throws { try wait { sweep(now: now, done: $0) } }

  func facts(_ id: String) -> KnownFacts {
    read { standing in standing.number(of: Array(id.utf8)).map { standing.facts(of: $0) } ?? KnownFacts() }
  }

  /// Second and channel of each contact in memory.
  func contacts(_ id: String) -> [String] {
    read { standing in
      guard let user = standing.number(of: Array(id.utf8)) else { return [] }
      return standing.contacts(of: user).map { "\($0.at) \($0.channel ?? "-")" }
    }
  }
}

extension Event {
  init(
    _ key: String, _ user: String, _ kind: EventKind, at: Int64 = Ledger.noon - 1000, channel: String? = nil,
    plan: String? = nil, campaign: String? = nil, amount: Int64? = nil, cost: Int64? = nil
  ) {
    self.init(
      key: Array(key.utf8), userID: Array(user.utf8), kind: kind, at: at, channel: channel, plan: plan,
      campaign: campaign, amount: amount, cost: cost)
  }
}

extension Ledger.Candidate {
  init(_ user: String, _ line: String?) { self.init(userID: Array(user.utf8), line: line.map { Array($0.utf8) }) }
}

extension PlanDraft {
  init(
    key: String? = nil, digest: UInt8 = 1, seen: UInt64, made: Int64 = Ledger.noon, contacts: [String],
    ghosts: [String] = []
  ) {
    let rows =
      contacts.enumerated().map { Row($1, rank: $0 + 1) } + ghosts.map { Row($0, rank: 0) }
    self.init(
      key: key, digest: [digest], campaign: "march", policy: "p1", asOf: made, asOfText: "\(made)", made: made,
      request: Array("{}".utf8), totals: Array("{\"n\":\(rows.count)}".utf8), value: 10, spend: 20, capital: 30,
      seen: seen, rows: rows)
  }
}

extension PlanDraft.Row {
  init(_ user: String, rank: Int) {
    self.init(
      userID: Array(user.utf8), rank: rank, channel: "push", value: 1, spend: 2, capital: 3, p: 4, pd: 5,
      propensity: rank > 0 ? 1_000_000 : 0, arm: rank > 0 ? "policy" : "holdout", stage: "churned", tier: "gold",
      regionGroup: nil, row: Array(",\"rank\":\(rank)}".utf8), candidate: Array("{\"user_id\":\"\"}".utf8),
      known: Array("[]".utf8))
  }
}

extension PlanCommit {
  var head: PlanHead? {
    switch self {
    case .committed(let head), .replayed(let head): head
    case .conflict, .stale: nil
    }
  }

  var name: String {
    switch self {
    case .committed: "committed"
    case .replayed: "replayed"
    case .conflict: "conflict"
    case .stale(let rows, _): "stale \(rows)"
    }
  }
}

extension Standing {
  func number(of id: [UInt8]) -> Int? { id.withUnsafeBytes { number(of: $0) } }
}
