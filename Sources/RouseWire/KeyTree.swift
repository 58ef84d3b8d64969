import RouseCore

/// The policy's field names as the keys under which a candidate may spell them (model 2.1): `device.os` is found as
/// `{"device":{"os":..}}` and as `{"device.os":..}`. One node an object that may hold declared fields.
final class KeyTree: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  enum Target {
    /// A declared field.
    case slot(Int, FieldKind)
    /// An object whose members may be declared.
    case node(Int)
    case userID
    case contacts
    case operation
    /// `gone`, where a line may take its user out of the audience.
    case gone
  }

  struct Key {
    let name: [UInt8]
    let target: Target
  }

  private struct Node {
    /// Where its buckets stand, and their number less one.
    let start: Int
    let mask: Int
  }

  private struct Name {
    let start: Int32
    let count: Int32
  }

  // Plain memory, filled once and then only read: the reader of lines comes by for every key of every line, and arrays of
  // arrays would cost it a retain and a release each.
  let count: Int
  let nodeCount: Int
  private let targets: UnsafeMutablePointer<Target>
  private let names: UnsafeMutablePointer<Name>
  private let bytes: UnsafeMutablePointer<UInt8>
  private let nodes: UnsafeMutablePointer<Node>
  /// Keys by hash, open addressing, at most half full; -1 is empty.
  private let buckets: UnsafeMutablePointer<Int32>
  /// The key that is tried first in an object of a node.
  let firstKeys: [Int32]

  /// A name of more parts than this is found only as one key. No candidate nests as deep, and each part costs as many
  /// keys as there are parts.
  private static let mostParts = 16

  /// - Parameter forLoad: `gone` is a key too, unless it is declared.
  init(fields: FieldTable, forLoad: Bool = false) {
    var builder = Builder()
    let declared = fields.declared.enumerated().map { (path: Array($1.name.utf8), target: Target.slot($0, $1.kind)) }
    var made: [[UInt8]: Int] = [:]
    var roots = [
      Key(name: Array("user_id".utf8), target: .userID), Key(name: Array("contacts".utf8), target: .contacts),
      Key(name: Array("op".utf8), target: .operation),
    ]
    let gone = Array("gone".utf8)
    if forLoad, !declared.contains(where: { $0.path.split(separator: 0x2E).first.map(Array.init) == gone }) {
      roots.append(Key(name: gone, target: .gone))
    }
    _ = builder.build(declared, at: [], &made, roots: roots)
    count = builder.keys.count
    nodeCount = builder.nodes.count
    firstKeys = builder.nodes.map(\.firstKey)
    targets = .allocate(capacity: count)
    names = .allocate(capacity: count)
    bytes = .allocate(capacity: builder.keys.reduce(8) { $0 + $1.name.count })
    var start = 0
    for (index, key) in builder.keys.enumerated() {
      (targets + index).initialize(to: key.target)
      (names + index).initialize(
        to: Name(start: Int32(truncatingIfNeeded: start), count: Int32(truncatingIfNeeded: key.name.count)))
      (bytes + start).initialize(from: key.name, count: key.name.count)
      start += key.name.count
    }
    (bytes + start).initialize(repeating: 0, count: 8)
    nodes = .allocate(capacity: nodeCount)
    buckets = .allocate(capacity: builder.nodes.reduce(0) { $0 + $1.buckets.count })
    start = 0
    for (index, node) in builder.nodes.enumerated() {
      (nodes + index).initialize(to: Node(start: start, mask: node.buckets.count - 1))
      (buckets + start).initialize(from: node.buckets, count: node.buckets.count)
      start += node.buckets.count
    }
  }

  deinit {
    targets.deallocate()
    names.deallocate()
    bytes.deallocate()
    nodes.deallocate()
    buckets.deallocate()
  }

  @inline(__always)
  func target(_ key: Int32) -> Target { targets[Int(key)] }

  /// - Parameter name: with 8 readable bytes behind it.
  @inline(__always)
  func matches(_ key: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
    let known = names[Int(key)]
    guard Int(known.count) == name.count, let given = name.baseAddress else { return known.count == 0 && name.isEmpty }
    let wanted = UnsafeRawPointer(bytes + Int(known.start))
    var at = 0
    while at + 8 <= name.count {
      if wanted.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        != given.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      {
        return false
      }
      at += 8
    }
    let rest = name.count - at
    if rest == 0 { return true }
    let difference =
      wanted.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian
      ^ given.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian
    return difference << UInt64(64 - 8 * rest) == 0
  }

  /// The key of a node with this name, or -1.
  /// - Parameter name: with 8 readable bytes behind it.
  func find(_ name: UnsafeRawBufferPointer, in node: Int) -> Int32 {
    let place = nodes[node]
    var at = Self.hash(name) & place.mask
    while true {
      let key = buckets[place.start + at]
      if key < 0 || matches(key, name) { return key }
      at = (at + 1) & place.mask
    }
  }

  /// The keys are the policy's, so nobody outside can fill one bucket.
  private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int(truncatingIfNeeded: (value ^ value >> 32) & 0x7FFF_FFFF)
  }

  /// Makes the nodes and keys from the fields' names.
  private struct Builder {
    var keys: [Key] = []
    var nodes: [(buckets: [Int32], firstKey: Int32)] = []

    /// Makes the node of the object at a prefix, in which the rests of these paths may be found, and the nodes below it.
    mutating func build(
      _ paths: [(path: [UInt8], target: Target)], at prefix: [UInt8], _ made: inout [[UInt8]: Int], roots: [Key]
    ) -> Int {
      let index = nodes.count
      made[prefix] = index
      nodes.append(([], -1))
      var own = roots
      var taken = Set(roots.map(\.name))
      for (path, target) in paths where taken.insert(path).inserted { own.append(Key(name: path, target: target)) }
      for (path, _) in paths {
        let dots = path.indices.filter { path[$0] == 0x2E }
        guard dots.count < KeyTree.mostParts else { continue }
        for dot in dots where taken.insert(Array(path[..<dot])).inserted {
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
        var at = key.name.withUnsafeBytes { KeyTree.hash($0) } & (size - 1)
        while buckets[at] >= 0 { at = (at + 1) & (size - 1) }
        buckets[at] = Int32(keys.count)
        keys.append(key)
      }
      nodes[index] = (buckets, own.isEmpty ? -1 : Int32(first))
      return index
    }
  }
}
