import RouseCore

/// The policy's field names as the keys under which a candidate may spell them (model 2.1): `device.os` is found as
/// `{"device":{"os":..}}` and as `{"device.os":..}`. One node an object that may hold declared fields.
final class KeyTree: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// What a key's value is read as.
  enum Kind: UInt8 {
    case time, number, flag, text
    /// An object whose members may be declared.
    case node
    case userID
    case contacts
    case operation
    /// `gone`, where a line may take its user out of the audience.
    case gone
  }

  struct Target {
    let kind: Kind
    /// Bytes of the key's token.
    private(set) var length: UInt8 = 0
    /// A declared field's slot, or an object's node.
    let index: Int32

    fileprivate init(_ kind: Kind, _ index: Int = 0) {
      self.kind = kind
      self.index = Int32(truncatingIfNeeded: index)
    }

    fileprivate init(_ field: FieldKind, slot: Int) {
      switch field {
      case .times, .timesAhead: self.init(.time, slot)
      case .numbers: self.init(.number, slot)
      case .flags: self.init(.flag, slot)
      case .texts: self.init(.text, slot)
      }
    }

    fileprivate func spelled(_ name: [UInt8]) -> Target {
      var target = self
      target.length = UInt8(truncatingIfNeeded: name.count + 3)
      return target
    }
  }

  /// A key as it stands in nearly every line, from its first quote to its colon: 32 bytes, and which of them count.
  struct Token {
    private typealias Words = (UInt64, UInt64, UInt64, UInt64)
    private var wanted: Words = (0, 0, 0, 0)
    private var mask: Words = (0, 0, 0, 0)

    fileprivate init(_ name: [UInt8]) {
      let text = [0x22] + name + [0x22, 0x3A]
      guard text.count <= 32 else {
        // Nothing matches, and the key is found by its name.
        wanted.0 = 1
        return
      }
      withUnsafeMutableBytes(of: &wanted) { $0.copyBytes(from: text) }
      withUnsafeMutableBytes(of: &mask) { $0.copyBytes(from: text.map { _ in 0xFF }) }
    }
  }

  private struct Key {
    let name: [UInt8]
    let target: Target
  }

  private struct Node {
    /// Where its buckets stand, and their number less one.
    let start: Int
    let mask: Int
  }

  private struct Name {
    let key: TextKey
    let start: Int
  }

  // Plain memory, filled once and then only read: arrays of arrays would cost whoever looks a key up retains and releases.
  private let names: UnsafeMutablePointer<Name>
  private let bytes: UnsafeMutablePointer<UInt8>
  private let nodes: UnsafeMutablePointer<Node>
  /// Keys by hash, open addressing, at most half full; -1 is empty.
  private let buckets: UnsafeMutablePointer<Int32>
  /// The keys of each node: one at least.
  let keys: [Range<Int>]
  let targets: [Target]
  let tokens: [Token]

  /// A name of more parts than this is found only as one key. No candidate nests as deep, and each part costs as many
  /// keys as there are parts.
  private static let mostParts = 16

  /// - Parameter forLoad: `gone` is a key too, unless it is declared.
  init(fields: FieldTable, forLoad: Bool = false) {
    var builder = Builder()
    let declared = fields.declared.enumerated().map { (path: Array($1.name.utf8), target: Target($1.kind, slot: $0)) }
    var made: [[UInt8]: Int] = [:]
    var roots = [
      Key(name: Array("user_id".utf8), target: Target(.userID)),
      Key(name: Array("contacts".utf8), target: Target(.contacts)),
      Key(name: Array("op".utf8), target: Target(.operation)),
    ]
    let gone = Array("gone".utf8)
    if forLoad, !declared.contains(where: { $0.path.split(separator: 0x2E).first.map(Array.init) == gone }) {
      roots.append(Key(name: gone, target: Target(.gone)))
    }
    _ = builder.build(declared, at: [], &made, roots: roots)
    keys = builder.nodes.map(\.keys)
    targets = builder.keys.map { $0.target.spelled($0.name) }
    tokens = builder.keys.map { Token($0.name) }
    names = .allocate(capacity: builder.keys.count)
    bytes = .allocate(capacity: builder.keys.reduce(0) { $0 + $1.name.count })
    var start = 0
    for (index, key) in builder.keys.enumerated() {
      (names + index).initialize(to: Name(key: key.name.withUnsafeBytes { TextKey($0) }, start: start))
      (bytes + start).initialize(from: key.name, count: key.name.count)
      start += key.name.count
    }
    nodes = .allocate(capacity: builder.nodes.count)
    buckets = .allocate(capacity: builder.nodes.reduce(0) { $0 + $1.buckets.count })
    start = 0
    for (index, node) in builder.nodes.enumerated() {
      (nodes + index).initialize(to: Node(start: start, mask: node.buckets.count - 1))
      (buckets + start).initialize(from: node.buckets, count: node.buckets.count)
      start += node.buckets.count
    }
  }

  deinit {
    names.deallocate()
    bytes.deallocate()
    nodes.deallocate()
    buckets.deallocate()
  }

  /// The key of a node with this name, or -1.
  func find(_ name: UnsafeRawBufferPointer, in node: Int) -> Int {
    let place = nodes[node]
    let wanted = TextKey(name)
    var at = Self.place(of: wanted, place.mask)
    while true {
      let key = Int(buckets[place.start + at])
      if key < 0 { return -1 }
      let known = names[key]
      if known.key == wanted,
        wanted.isWhole || equal(UnsafeRawBufferPointer(start: bytes + known.start, count: name.count), name)
      {
        return key
      }
      at = (at + 1) & place.mask
    }
  }

  /// The keys are the policy's, so nobody outside can fill one bucket.
  private static func place(of key: TextKey, _ mask: Int) -> Int { key.hash(0x9E37_79B9_7F4A_7C15, 33) & mask }

  /// Makes the nodes and keys from the fields' names.
  private struct Builder {
    var keys: [Key] = []
    var nodes: [(buckets: [Int32], keys: Range<Int>)] = []

    /// Makes the node of the object at a prefix, in which the rests of these paths may be found, and the nodes below it.
    mutating func build(
      _ paths: [(path: [UInt8], target: Target)], at prefix: [UInt8], _ made: inout [[UInt8]: Int], roots: [Key]
    ) -> Int {
      let index = nodes.count
      made[prefix] = index
      nodes.append(([], 0..<0))
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
          own.append(Key(name: Array(path[..<dot]), target: Target(.node, node)))
        }
      }
      var size = 8
      while size < own.count * 2 { size *= 2 }
      var buckets = [Int32](repeating: -1, count: size)
      let first = keys.count
      for key in own {
        var at = KeyTree.place(of: key.name.withUnsafeBytes { TextKey($0) }, size - 1)
        while buckets[at] >= 0 { at = (at + 1) & (size - 1) }
        buckets[at] = Int32(keys.count)
        keys.append(key)
      }
      nodes[index] = (buckets, first..<keys.count)
      return index
    }
  }
}
