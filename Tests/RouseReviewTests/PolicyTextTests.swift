import RouseCore
import TestData
import Testing

@testable import RouseReview

@Suite struct PolicyTextTests {
  private static func fitted(_ yaml: String, seed: UInt64) throws -> FittedPolicy {
    let truth = FitSamples.policy(
      a: 12, age: [-18, -4, 6, 20], job: [0, 25, -15], other: -9, risk: [16, 0, -24], odds: "6")
    let text = try FitSamples.text(yaml)
    return try PolicyFit(text, settings: FitSettings()).fit(
      try FitSamples.set(6000, truth: truth, fitted: text.policy, seed: seed))
  }

  private static func lines(_ text: PolicyText) -> [String] {
    // By bytes: a CR and an LF are one character.
    text.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A line without the comment of a fit.
  private static func bare(_ line: String) -> String {
    guard let mark = line.range(of: "  # fit: ") else { return line }
    return String(line[..<mark.lowerBound]) + (line.utf8.last == 0x0D ? "\r" : "")
  }

  @Test(arguments: ["\n", "\r\n"]) func everyOtherByteStays(_ end: String) throws {
    let fitted = try Self.fitted(FitSamples.policy().replacing("\n", with: end), seed: 21)
    let (old, new) = (Self.lines(fitted.old), Self.lines(fitted.new))
    #expect(fitted.changes > 10 && old.count == new.count)
    var changed = 0
    for (before, after) in zip(old, new) {
      let isChanged = after.contains("  # fit: ")
      if !isChanged {
        #expect(before == after)
        continue
      }
      changed += 1
      // Numbers apart, it is the line that it was.
      func words(_ line: String) -> String { line.filter { !$0.isNumber && $0 != "-" && $0 != "." && !$0.isNewline } }
      #expect(words(Self.bare(after)) == words(before))
      #expect(after.contains("(n "))
    }
    #expect(changed > 8)
    let text = String(decoding: fitted.new.bytes, as: UTF8.self)
    #expect(
      text.contains("# the young  # fit: 0→") && text.contains("# keep me  # fit: ")
        && text.contains("# stage one  # fit: "))
    #expect(text.contains("say: \"Debt # fit: elsewhere\""))
  }

  @Test func aSecondFitReplacesTheComments() throws {
    let first = try Self.fitted(FitSamples.policy(), seed: 22)
    let second = try Self.fitted(String(decoding: first.new.bytes, as: UTF8.self), seed: 23)
    for line in Self.lines(second.new) where line.contains("debt") == false {
      #expect(line.components(separatedBy: "# fit:").count <= 2, "\(line)")
    }
    // What the first one changed and the second left has no comment any more.
    let marked = Self.lines(second.new).count { $0.contains("  # fit: ") }
    #expect(marked > 0 && marked <= second.changes)
  }

  /// The shipped policies can be fitted too: their rows stand in braces, several numbers a line.
  @Test func numbersInBracesAreFoundByTheirPlace() throws {
    var text = try PolicyText(yaml: try Vectors.bytes("policy.yaml"))
    let cells = CardCells(text.policy.risk, named: "risk", in: text.document)
    for cell in cells.cells {
      guard let node = cell.node else { continue }
      text.replace(node, "\(cell.present + 0)", name: cell.name, note: "n 1, bad 1")
    }
    let edited = try PolicyText(yaml: text.edited)
    #expect(edited.policy.risk.rows.map(\.points) == text.policy.risk.rows.map(\.points))
    let lines = zip(Self.lines(text), Self.lines(edited))
    #expect(lines.allSatisfy { $0 == Self.bare($1) })
    #expect(Self.lines(edited).contains { $0.contains("# S#71  # fit: 0 10→10 (n 1, bad 1), 1 0→0") })
  }
}
