import RouseCore

/// Users' numbers by their ids: open addressing in many small tables, each of which grows by itself, so that no growth
/// takes more than about a millisecond. The hashes have a key of the process: nobody outside can fill one place.
struct UserTable {
  /// A slot holds a tag, 0 when it is free, and a user's number.
  private struct Part {
    var tags: UnsafeMutablePointer<UInt8>
    var users: UnsafeMutablePointer<UInt32>
    var capacity: Int
    var count = 0

    init(capacity: Int) {
      self.capacity = capacity
      tags = .allocate(capacity: capacity)
      tags.initialize(repeating: 0, count: capacity)
      users = .allocate(capacity: capacity)
      users.initialize(repeating: 0, count: capacity)
    }

    func free() {
      tags.deallocate()
      users.deallocate()
    }

    /// The first slot for a hash.
    func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> 8) & (capacity &- 1) }

    mutating func put(_ user: UInt32, _ hash: UInt64) {
      var slot = home(hash)
      while tags[slot] != 0 { slot = (slot &+ 1) & (capacity &- 1) }
      tags[slot] = UserTable.tag(hash)
      users[slot] = user
      count += 1
    }
  }

  private static let partCount = 1024
  private let parts: UnsafeMutablePointer<Part>

  init() {
    parts = .allocate(capacity: Self.partCount)
    for part in 0..<Self.partCount { (parts + part).initialize(to: Part(capacity: 16)) }
  }

  func free() {
    for part in 0..<Self.partCount { parts[part].free() }
    parts.deallocate()
  }

  static func hash(_ id: UnsafeRawBufferPointer) -> UInt64 { RouseCore.KeyedHash.hash(id) }

  private static func tag(_ hash: UInt64) -> UInt8 { max(1, UInt8(truncatingIfNeeded: hash)) }
  private static func part(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> 54) }

  /// - Parameter isIt: whether a user has the id.
  func find(_ hash: UInt64, _ isIt: (Int) -> Bool) -> Int? {
    let part = parts[Self.part(hash)]
    let tag = Self.tag(hash)
    var slot = part.home(hash)
    while part.tags[slot] != 0 {
      if part.tags[slot] == tag {
        let user = Int(part.users[slot])
        if isIt(user) { return user }
      }
      slot = (slot &+ 1) & (part.capacity &- 1)
    }
    return nil
  }

  /// - Parameter id: of a user; empty when the user has been erased, whose slot then falls away with the next growth.
  func insert(_ user: Int, _ hash: UInt64, id: (Int) -> UnsafeRawBufferPointer) {
    let index = Self.part(hash)
    if parts[index].count &* 5 >= parts[index].capacity &* 4 { grow(index, id) }
    parts[index].put(UInt32(truncatingIfNeeded: user), hash)
  }

  private func grow(_ index: Int, _ id: (Int) -> UnsafeRawBufferPointer) {
    let old = parts[index]
    var larger = Part(capacity: old.capacity * 2)
    for slot in 0..<old.capacity where old.tags[slot] != 0 {
      let bytes = id(Int(old.users[slot]))
      if !bytes.isEmpty { larger.put(old.users[slot], Self.hash(bytes)) }
    }
    old.free()
    parts[index] = larger
  }
}
