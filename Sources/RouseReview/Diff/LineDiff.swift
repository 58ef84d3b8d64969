/// The lines in which two texts differ, as `diff -u` writes them.
package enum LineDiff {
  /// Lines that differ are shown with so many unchanged ones on each side.
  private static let context = 3
  /// Beyond this many lines between the first and the last difference, all of them are shown as replaced: to find the least
  /// difference takes time and memory by their square.
  private static let most = 8000

  private enum Edit {
    case same(Int, Int)
    case old(Int)
    case new(Int)
  }

  /// Empty when they are equal.
  package static func unified(old: [UInt8], new: [UInt8], oldName: String, newName: String) -> String {
    let before = lines(old)
    let after = lines(new)
    let edits = edits(before, after)
    let hunks = hunks(edits)
    guard !hunks.isEmpty else { return "" }
    var text = "--- \(oldName)\n+++ \(newName)\n"
    for hunk in hunks { write(edits[hunk], before, after, into: &text) }
    return text
  }

  /// Each with its end, so that a last line without one differs from one with it.
  private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = text.startIndex
    while start < text.endIndex {
      let end = text[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? text.endIndex
      lines.append(text[start..<end])
      start = end
    }
    return lines
  }

  private static func edits(_ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) -> [Edit] {
    var head = 0
    while head < min(old.count, new.count), old[head] == new[head] { head += 1 }
    var tail = 0
    while tail < min(old.count, new.count) - head, old[old.count - 1 - tail] == new[new.count - 1 - tail] { tail += 1 }
    var edits = (0..<head).map { Edit.same($0, $0) }
    edits += middle(old, head..<(old.count - tail), new, head..<(new.count - tail))
    edits += (0..<tail).map { .same(old.count - tail + $0, new.count - tail + $0) }
    return edits
  }

  private static func middle(
    _ old: [ArraySlice<UInt8>], _ oldRange: Range<Int>, _ new: [ArraySlice<UInt8>], _ newRange: Range<Int>
  ) -> [Edit] {
    guard oldRange.count + newRange.count <= most else { return oldRange.map { .old($0) } + newRange.map { .new($0) } }
    var isRemoved = [Bool](repeating: false, count: old.count)
    var isInserted = [Bool](repeating: false, count: new.count)
    for change in Array(new[newRange]).difference(from: Array(old[oldRange])) {
      switch change {
      case .remove(let offset, _, _): isRemoved[oldRange.lowerBound + offset] = true
      case .insert(let offset, _, _): isInserted[newRange.lowerBound + offset] = true
      }
    }
    var edits: [Edit] = []
    var at = (old: oldRange.lowerBound, new: newRange.lowerBound)
    while at.old < oldRange.upperBound || at.new < newRange.upperBound {
      if at.old < oldRange.upperBound, isRemoved[at.old] {
        edits.append(.old(at.old))
        at.old += 1
      } else if at.new < newRange.upperBound, isInserted[at.new] {
        edits.append(.new(at.new))
        at.new += 1
      } else {
        edits.append(.same(at.old, at.new))
        at = (at.old + 1, at.new + 1)
      }
    }
    return edits
  }

  /// Differences with what stands around them; those that would touch are one.
  private static func hunks(_ edits: [Edit]) -> [Range<Int>] {
    var hunks: [Range<Int>] = []
    for (index, edit) in edits.enumerated() {
      if case .same = edit { continue }
      let range = max(0, index - context)..<min(edits.count, index + context + 1)
      if let last = hunks.last, last.upperBound >= range.lowerBound {
        hunks[hunks.count - 1] = last.lowerBound..<range.upperBound
      } else {
        hunks.append(range)
      }
    }
    return hunks
  }

  private static func write(
    _ edits: ArraySlice<Edit>, _ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>], into text: inout String
  ) {
    var first = (old: 0, new: 0)
    var count = (old: 0, new: 0)
    var body = ""
    func add(_ mark: String, _ line: ArraySlice<UInt8>) {
      body += mark + String(decoding: line, as: UTF8.self)
      if line.last != 0x0A { body += "\n\\ No newline at end of file\n" }
    }
    for edit in edits {
      switch edit {
      case .same(let before, let after):
        if count.old == 0 { first.old = before + 1 }
        if count.new == 0 { first.new = after + 1 }
        count = (count.old + 1, count.new + 1)
        add(" ", old[before])
      case .old(let before):
        if count.old == 0 { first.old = before + 1 }
        count.old += 1
        add("-", old[before])
      case .new(let after):
        if count.new == 0 { first.new = after + 1 }
        count.new += 1
        add("+", new[after])
      }
    }
    text += "@@ -\(first.old),\(count.old) +\(first.new),\(count.new) @@\n" + body
  }
}
