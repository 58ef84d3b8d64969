/// The distinct texts of an audience, each with a number. Numbers are given in order of first sight and stay: texts are only
/// ever added.
struct AudienceWords {
  /// The texts one after another: where each starts, and where the last ends.
  private var bytes: [UInt8] = []
  private var starts: [Int] = [0]
  /// The upper half of a hash, and the text's number counted from 1; 0 is empty. At most half full.
  private var buckets = [UInt64](repeating: 0, count: 64)

  /// Texts that may have a number.
  static let most = Int(UInt32.max) - 1

  var count: Int { starts.count - 1 }

  var memory: Int { bytes.capacity + (starts.capacity + buckets.capacity) * MemoryLayout<Int>.stride }

  func withText<Answer>(_ number: Int, _ body: (UnsafeRawBufferPointer) -> Answer) -> Answer {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[starts[number]..<starts[number + 1]])) }
  }

  /// The number of a text, which is added when it is new; nil when there can be no more.
  mutating func number(of text: UnsafeRawBufferPointer) -> Int? {
    let hash = KeyedHash.hash(text)
    let upper = hash & 0xFFFF_FFFF_0000_0000
    var at = Int(truncatingIfNeeded: hash) & (buckets.count - 1)
    while case let entry = buckets[at], entry != 0 {
      if entry & 0xFFFF_FFFF_0000_0000 == upper {
        let number = Int(entry & 0xFFFF_FFFF) - 1
        if withText(number, { $0.count == text.count && equal($0, text) }) { return number }
      }
      at = (at + 1) & (buckets.count - 1)
    }
    guard count < Self.most else { return nil }
    bytes.append(contentsOf: text)
    starts.append(bytes.count)
    buckets[at] = upper | UInt64(count)
    if count * 2 > buckets.count { grow() }
    return count - 1
  }

  private mutating func grow() {
    buckets = [UInt64](repeating: 0, count: buckets.count * 2)
    for number in 0..<count {
      let hash = withText(number) { KeyedHash.hash($0) }
      var at = Int(truncatingIfNeeded: hash) & (buckets.count - 1)
      while buckets[at] != 0 { at = (at + 1) & (buckets.count - 1) }
      buckets[at] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(number + 1)
    }
  }
}
