import Foundation
import RouseWire
import Testing

@testable import RouseServer

/// Whatever is done to the file shows, and where.
@Suite struct AuditVerificationTests {
  private func written() throws -> (AuditHarness, AuditPosition) {
    let audit = try AuditHarness()
    return (audit, try audit.log().append(Array(AuditHarness.each.prefix(6))))
  }

  private func lineOfFault(_ audit: AuditHarness, head: String? = nil) throws -> Int? {
    try audit.fault(head: head)?.line
  }

  /// Each byte, changed in three ways. It shows in its line, or in the next one's hash of it; for the last line that takes
  /// its own hash, kept elsewhere.
  @Test func eachByte() throws {
    let (audit, head) = try written()
    let whole = audit.bytes
    var line = 1
    for index in whole.indices {
      for change: (UInt8) -> UInt8 in [{ $0 ^ 1 }, { $0 ^ 0x20 }, { _ in 0 }] {
        var bytes = whole
        bytes[index] = change(bytes[index])
        try audit.write(bytes)
        let found = try lineOfFault(audit)
        if let found {
          #expect(found == line || found == line + 1)
        } else {
          #expect(line == 6)
        }
        #expect(try lineOfFault(audit, head: head.hash) != nil)
      }
      if whole[index] == 0x0A { line += 1 }
    }
  }

  @Test func linesTakenOutPutInAndMoved() throws {
    let (audit, head) = try written()
    let lines = audit.lines
    func write(_ lines: [[UInt8]]) throws { try audit.write(lines.flatMap { $0 + [0x0A] }) }
    for index in 0..<5 {
      var fewer = lines
      fewer.remove(at: index)
      try write(fewer)
      #expect(try lineOfFault(audit) == index + 1)
      var more = lines
      more.insert(lines[index], at: index + 1)
      try write(more)
      #expect(try lineOfFault(audit) == index + 2)
      var moved = lines
      moved.swapAt(index, index + 1)
      try write(moved)
      #expect(try lineOfFault(audit) == index + 1)
      var empty = lines
      empty.insert([], at: index)
      try write(empty)
      #expect(try lineOfFault(audit) == index + 1)
    }
    // Lines cut off at the end: sound by itself, and not to one who has kept the head.
    try write(Array(lines.dropLast(2)))
    #expect(try lineOfFault(audit) == nil)
    let cut = try #require(try audit.fault(head: head.hash))
    #expect(cut.line == 4 && cut.reason.contains(head.hash))
    // Numbers made to fit do not help.
    let renumbered = lines.dropFirst().enumerated().map { index, line in
      Array(String(decoding: line, as: UTF8.self).replacing("\"seq\":\(index + 2)", with: "\"seq\":\(index + 1)").utf8)
    }
    try write(renumbered)
    let fault = try #require(try audit.fault())
    #expect(fault.line == 1 && fault.reason.contains("zeros"))
  }

  @Test func headsAreFoundWhereverTheyAre() throws {
    let (audit, last) = try written()
    for (index, line) in audit.lines.enumerated() {
      let hash = line.withUnsafeBytes { AuditPosition.hash($0) }
      #expect(try audit.verify(head: hash) == .sound(entries: 6, last: last, headLine: index + 1))
    }
    try audit.write([])
    #expect(try audit.verify() == .sound(entries: 0, last: .none, headLine: nil))
    #expect(try lineOfFault(audit, head: last.hash) == 0)
  }

  @Test(arguments: [
    "{\"seq\":1,}", "[1]", "{\"seq\":1,\"seq\":1,\"at\":\"2026-03-01T02:00:00Z\",\"event\":\"x\",\"prev\":\"PREV\"}",
    "{\"at\":\"2026-03-01T02:00:00Z\",\"event\":\"x\",\"prev\":\"PREV\"}",
    "{\"seq\":1,\"event\":\"x\",\"prev\":\"PREV\"}",
    "{\"seq\":1,\"at\":\"now\",\"event\":\"x\",\"prev\":\"PREV\"}",
    "{\"seq\":1,\"at\":\"2026-03-01T02:00:00Z\",\"event\":\"\",\"prev\":\"PREV\"}",
    "{\"seq\":\"1\",\"at\":\"2026-03-01T02:00:00Z\",\"event\":\"x\",\"prev\":\"PREV\"}",
    "{\"seq\":1,\"at\":\"2026-03-01T02:00:00Z\",\"event\":\"x\",\"prev\":\"\"}",
  ])
  func noEntries(_ text: String) throws {
    let audit = try AuditHarness()
    let prev = String(repeating: "0", count: 64)
    try audit.add(text.replacing("PREV", with: prev) + "\n")
    #expect(try lineOfFault(audit) == 1)
    try audit.write(Array("{\"seq\":1,\"at\":\"2026-03-01T02:00:00Z\",\"event\":\"x\",\"prev\":\"\(prev)\"}\n".utf8))
    #expect(try lineOfFault(audit) == nil)
  }

  /// Lines longer than the reader's memory, and more of them than it holds at a time.
  @Test func longFiles() throws {
    let audit = try AuditHarness()
    var bytes: [UInt8] = []
    var prev = AuditPosition.none.hash
    for (number, length) in [10, 1 << 20 - 300, 5, 700_000, 700_000, 3].enumerated() {
      let line = Array(
        "{\"seq\":\(number + 1),\"at\":\"2026-03-01T02:00:00Z\",\"event\":\"x\",\"more\":\"\(String(repeating: "y", count: length))\",\"prev\":\"\(prev)\"}"
          .utf8)
      prev = line.withUnsafeBytes { AuditPosition.hash($0) }
      bytes += line + [0x0A]
    }
    try audit.write(bytes)
    #expect(try audit.verify() == .sound(entries: 6, last: AuditPosition(seq: 6, hash: prev), headLine: nil))
    #expect(try audit.log().append(.stopped).seq == 7)
    try audit.add(String(repeating: "z", count: 1 << 20 + 2) + "\n")
    #expect { try audit.verify() } throws: { "\($0)".contains("line 8 is longer") }
  }
}
