/// A rising run of elements in plain memory, 16 bytes when it is empty. Whoever has it frees it.
struct SortedRun<Element: BitwiseCopyable> {
  private(set) var elements: UnsafeMutablePointer<Element>?
  private var size: UInt32 = 0
  private var capacity: UInt32 = 0

  init() {}

  var count: Int { Int(size) }

  subscript(index: Int) -> Element { elements.unsafelyUnwrapped[index] }

  /// The first index whose element is not before, as `isBefore` says.
  func firstIndex(_ isBefore: (Element) -> Bool) -> Int {
    guard let elements else { return 0 }
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(elements[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// - Parameter index: at most `count`.
  mutating func insert(_ element: Element, at index: Int) {
    if size == capacity { grow() }
    guard let elements else { return }
    (elements + index + 1).update(from: elements + index, count: count - index)
    elements[index] = element
    size += 1
  }

  mutating func replace(_ index: Int, with element: Element) { elements.unsafelyUnwrapped[index] = element }

  /// - Parameter range: within `0..<count`.
  mutating func remove(_ range: Range<Int>) {
    guard let elements, !range.isEmpty else { return }
    (elements + range.lowerBound).update(from: elements + range.upperBound, count: count - range.upperBound)
    size -= UInt32(truncatingIfNeeded: range.count)
    if size == 0 { free() }
  }

  /// Whether any was removed.
  mutating func removeAll(where isOut: (Element) -> Bool) -> Bool {
    guard let elements else { return false }
    var kept = 0
    for index in 0..<count where !isOut(elements[index]) {
      elements[kept] = elements[index]
      kept += 1
    }
    defer { if kept == 0 { free() } }
    let isFewer = kept < count
    size = UInt32(truncatingIfNeeded: kept)
    return isFewer
  }

  mutating func free() {
    elements?.deallocate()
    (elements, size, capacity) = (nil, 0, 0)
  }

  private mutating func grow() {
    let wanted = max(2, count + count / 2)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: wanted)
    if let elements {
      larger.update(from: elements, count: count)
      elements.deallocate()
    }
    elements = larger
    capacity = UInt32(clamping: wanted)
  }
}
