import RouseCore

/// The policy's field names as the keys under which a candidate may spell them (model 2.1): `device.os` is found as
/// `{"device":{"os":..}}` and as `{"device.os":..}`. One node an object that may hold declared fields.
struct KeyTree {
  enum Target {
    /// A declared field.
    case slot(Int, FieldKind)
    /// An object whose members may be declared.
    case node(Int)
    case userID
    case contacts
    case operation
  }

  struct Key {
    let name: [UInt8]
    let target: Target
  }

  struct Node {
    /// Indices into `keys`, open addressing, at most half full; -1 is empty.
    let buckets: [Int32]
    /// The key that is tried first in an object.
    let firstKey: Int32
  }

  private(set) var keys: [Key] = []
  private(set) var nodes: [Node] = []

  /// A name of more parts than this is found only as one key: objects cannot nest as deep.
  private static let mostParts = JSONScanner.deepest

  init(fields: FieldTable) {
    let declared = fields.declared.enumerated().map { (path: Array($1.name.utf8), target: Target.slot($0, $1.kind)) }
    var made: [[UInt8]: Int] = [:]
    _ = build(
      declared, at: [], &made,
      roots: [
        Key(name: Array("user_id".utf8), target: .userID), Key(name: Array("contacts".utf8), target: .contacts),
        Key(name: Array("op".utf8), target: .operation),
      ])
  }

  /// Makes the node of the object at a prefix, in which the rests of these paths may be found, and the nodes below it.
  private mutating func build(
    _ paths: [(path: [UInt8], target: Target)], at prefix: [UInt8], _ made: inout [[UInt8]: Int], roots: [Key]
  ) -> Int {
    let index = nodes.count
    made[prefix] = index
    nodes.append(Node(buckets: [], firstKey: -1))
    var own = roots
    var names = Set(roots.map(\.name))
    for (path, target) in paths where names.insert(path).inserted { own.append(Key(name: path, target: target)) }
    for (path, _) in paths {
      let dots = path.indices.filter { path[$0] == 0x2E }
      guard dots.count < Self.mostParts else { continue }
      for dot in dots where names.insert(Array(path[..<dot])).inserted {
        let head = Array(path[...dot])
        let inner = prefix + head
        let node =
          made[inner]
          ?? build(
            paths.filter { $0.path.starts(with: head) }.map { (Array($0.path[head.count...]), $0.target) }, at: inner,
            &made, roots: [])
        own.append(Key(name: Array(path[..<dot]), target: .node(node)))
      }
    }
    var size = 8
    while size < own.count * 2 { size *= 2 }
    var buckets = [Int32](repeating: -1, count: size)
    let first = keys.count
    for key in own {
      var at = key.name.withUnsafeBytes { Self.hash($0) } & (size - 1)
      while buckets[at] >= 0 { at = (at + 1) & (size - 1) }
      buckets[at] = Int32(keys.count)
      keys.append(key)
    }
    nodes[index] = Node(buckets: buckets, firstKey: own.isEmpty ? -1 : Int32(first))
    return index
  }

  @inline(__always)
  func matches(_ key: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
    let known = keys[Int(key)].name
    guard known.count == name.count else { return false }
    for index in known.indices where known[index] != name[index] { return false }
    return true
  }

  /// The key of a node with this name, or -1.
  func find(_ name: UnsafeRawBufferPointer, in node: Int) -> Int32 {
    let buckets = nodes[node].buckets
    var at = Self.hash(name) & (buckets.count - 1)
    while true {
      let key = buckets[at]
      if key < 0 || matches(key, name) { return key }
      at = (at + 1) & (buckets.count - 1)
    }
  }

  /// The keys are the policy's, so nobody outside can fill one bucket.
  private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int(truncatingIfNeeded: (value ^ value >> 32) & 0x7FFF_FFFF)
  }
}
