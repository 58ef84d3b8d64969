import RouseLedger

/// An engine whose every call can be seen, or made to fail.
final class WatchedStore: LedgerStore, @unchecked Sendable {
  private let store: any LedgerStore
  /// Called on the thread that writes, before each call and after each commit; what it throws is the call's answer.
  private let watch: (_ call: Int, _ name: String) throws -> Void
  private(set) var calls = 0

  init(_ store: any LedgerStore, watch: @escaping (_ call: Int, _ name: String) throws -> Void) {
    self.store = store
    self.watch = watch
  }

  fileprivate func called(_ name: String) throws {
    calls += 1
    try watch(calls, name)
  }

  func write<Answer>(_ body: (any LedgerWriting) throws -> Answer) throws -> Answer {
    try called("begin")
    let answer = try store.write { writing in
      let answer = try body(WatchedWriting(store: self, writing: writing))
      try called("commit")
      return answer
    }
    try called("committed")
    return answer
  }

  func read<Answer>(_ body: (any LedgerReading) throws -> Answer) throws -> Answer { try store.read(body) }

  func settle() throws {
    try called("settle")
    try store.settle()
  }

  func scrub() throws -> Bool {
    try called("scrub")
    return try store.scrub()
  }

  func close(isSound: Bool) { store.close(isSound: isSound) }
}

private struct WatchedWriting: LedgerWriting {
  let store: WatchedStore
  let writing: any LedgerWriting

  private func watched<Answer>(_ name: String, _ body: () throws -> Answer) throws -> Answer {
    try store.called(name)
    return try body()
  }

  func meta(_ name: String) throws -> [UInt8]? { try writing.meta(name) }
  func eachUser(_ body: (Int, UnsafeRawBufferPointer?) throws -> Void) throws { try writing.eachUser(body) }
  func isErased(_ hash: KeyedHash) throws -> Bool { try watched("isErased") { try writing.isErased(hash) } }
  func erasedCount() throws -> Int { try writing.erasedCount() }
  func kinds() throws -> [StoredKind] { try writing.kinds() }
  func channels() throws -> [String] { try writing.channels() }
  func eachEvent(of kind: Int, from at: Int64, _ body: (Int, Int64, Int?) throws -> Void) throws {
    try writing.eachEvent(of: kind, from: at, body)
  }
  func eachLease(after: Int64, _ body: (Int, Int, Int64) throws -> Void) throws {
    try writing.eachLease(after: after, body)
  }
  func event(_ key: KeyedHash) throws -> StoredEvent? { try watched("event") { try writing.event(key) } }
  func events(of user: Int, most: Int) throws -> [StoredEvent] { try writing.events(of: user, most: most) }
  func eventCount(of user: Int) throws -> Int { try writing.eventCount(of: user) }
  func days() throws -> [(day: DailyKey, sums: DailySums)] { try writing.days() }
  func plan(_ plan: Int) throws -> StoredPlan? { try writing.plan(plan) }
  func plan(key: String) throws -> StoredPlan? { try watched("plan") { try writing.plan(key: key) } }
  func plans(before: Int?, most: Int) throws -> [StoredPlan] { try writing.plans(before: before, most: most) }
  func contacts(of plan: Int, from rank: Int, most: Int) throws -> [Ledger.PlanRow] {
    try writing.contacts(of: plan, from: rank, most: most)
  }
  func plans(of user: Int) throws -> [StoredPlace] { try writing.plans(of: user) }
  func plans(madeIn period: Range<Int64>) throws -> [PlanLine] { try writing.plans(madeIn: period) }
  func firstMade(leasedBeyond moment: Int64) throws -> Int64? { try writing.firstMade(leasedBeyond: moment) }
  func eachRow(of plan: Int, withTexts: Bool, _ body: (StoredRow, StoredTexts?) throws -> Bool) throws -> Bool {
    try writing.eachRow(of: plan, withTexts: withTexts, body)
  }
  func eachEvent(of kind: Int, in period: Range<Int64>, _ body: (StoredEvent) throws -> Bool) throws -> Bool {
    try writing.eachEvent(of: kind, in: period, body)
  }
  func policy(_ version: String) throws -> StoredPolicy? { try writing.policy(version) }
  func candidate(_ user: Int) throws -> [UInt8]? { try writing.candidate(user) }
  func candidates(from user: Int, most: Int) throws -> [(user: Int, line: [UInt8])] {
    try writing.candidates(from: user, most: most)
  }
  func policies(most: Int) throws -> [StoredPolicy] { try writing.policies(most: most) }

  func attempt(_ body: () throws -> Void) throws { try watched("attempt") { try writing.attempt(body) } }
  func set(meta name: String, to value: [UInt8]) throws {
    try watched("meta") { try writing.set(meta: name, to: value) }
  }
  func insert(user: Int, id: [UInt8]) throws { try watched("user") { try writing.insert(user: user, id: id) } }
  func insert(kind: StoredKind) throws { try watched("kind") { try writing.insert(kind: kind) } }
  func insert(channel: Int, name: String) throws {
    try watched("channel") { try writing.insert(channel: channel, name: name) }
  }
  func insert(event: StoredEvent, key: KeyedHash, recorded: Int64) throws {
    try watched("event") { try writing.insert(event: event, key: key, recorded: recorded) }
  }
  func add(_ sums: DailySums, to day: DailyKey) throws { try watched("day") { try writing.add(sums, to: day) } }
  func put(candidate user: Int, line: [UInt8]) throws {
    try watched("candidate") { try writing.put(candidate: user, line: line) }
  }
  func remove(candidate user: Int) throws { try watched("candidate") { try writing.remove(candidate: user) } }
  func insert(plan: StoredPlan) throws -> Int { try watched("plan") { try writing.insert(plan: plan) } }
  func insert(row: PlanDraft.Row, index: Int, user: Int, plan: Int, leasedUntil: Int64?) throws {
    try watched("row") {
      try writing.insert(row: row, index: index, user: user, plan: plan, leasedUntil: leasedUntil)
    }
  }
  func endLease(of user: Int, plan: Int, at: Int64) throws {
    try watched("lease") { try writing.endLease(of: user, plan: plan, at: at) }
  }
  func erase(user: Int) throws { try watched("erase") { try writing.erase(user: user) } }
  func insert(erased hash: KeyedHash) throws { try watched("erased") { try writing.insert(erased: hash) } }
  func keep(_ policy: StoredPolicy) throws { try watched("policy") { try writing.keep(policy) } }
  func set(swept: Int64, of kind: Int) throws { try watched("swept") { try writing.set(swept: swept, of: kind) } }
  func sweepEvents(of kind: Int, before: Int64, most: Int) throws -> Int {
    try watched("events") { try writing.sweepEvents(of: kind, before: before, most: most) }
  }
  func sweepPlans(before: Int64, most: Int) throws -> Int {
    try watched("plans") { try writing.sweepPlans(before: before, most: most) }
  }
}
