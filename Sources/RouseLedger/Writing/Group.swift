/// What one transaction brings, before it is durable: later pieces of it must see what earlier ones did, while the
/// memory does not know of it yet.
struct Group {
  /// Users by their ids, and these in the order of their numbers.
  private var numbers: [[UInt8]: Int] = [:]
  private(set) var ids: [[UInt8]] = []
  private let first: Int
  /// Users of whom something has changed.
  var changed: Set<Int> = []
  var leases: Set<Lease> = []
  private var erasedUsers: Set<Int> = []
  private var erasedHashes: Set<KeyedHash> = []

  struct Lease: Hashable {
    let user: Int
    let plan: Int
  }

  init(after users: Int) { first = users }

  var next: Int { first + ids.count }

  func number(of id: [UInt8]) -> Int? { numbers[id] }
  func isErased(_ user: Int) -> Bool { erasedUsers.contains(user) }
  func isErased(_ hash: KeyedHash) -> Bool { erasedHashes.contains(hash) }

  mutating func add(_ id: [UInt8]) {
    numbers[id] = next
    ids.append(id)
  }

  mutating func erase(_ user: Int?, _ id: [UInt8], _ hash: KeyedHash) {
    if let user { erasedUsers.insert(user) }
    numbers[id] = nil
    erasedHashes.insert(hash)
  }

  /// Takes back the users that were added since there were so many.
  mutating func forgetUsers(after count: Int) {
    for id in ids.dropFirst(count) { numbers[id] = nil }
    ids.removeLast(max(0, ids.count - count))
  }
}
