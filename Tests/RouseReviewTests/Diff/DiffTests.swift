import RousePolicy
import RouseReview
import TestData
import Testing

@Suite struct DiffTests {
  private func changes(_ old: String, _ new: String) throws -> [String] {
    let before = try Document.parse(yaml: Array(old.utf8))
    let after = try Document.parse(yaml: Array(new.utf8))
    return PolicyChanges(old: before, new: after).all.map {
      "\($0.kind.rawValue) \($0.path): \($0.old ?? "-") > \($0.new ?? "-")"
    }
  }

  @Test func values() throws {
    let old = """
      name: a
      fields: {flags: [x, y]}
      stages: {one: {dormant: 3, points: 0}, two: {dormant: 0.10}}
      risk: {card: {age: {at_least: {0: 1, 5: 2}, missing: 0}}}
      best: [[1, 2], [3, 4]]
      note: ""
      """
    #expect(try changes(old, old + "# a comment\n").isEmpty)
    #expect(try changes("a: 0.10\nb: {c: 1}", "b:\n  c: 1   # the same\na: 0.1").isEmpty)
    #expect(try changes("a: 5", "a: 5.0") == ["changed a: 5 > 5.0"])
    #expect(try changes("a: null", "a: 'null'") == ["changed a: null > null"])
    #expect(
      try changes(old, old.replacing("dormant: 3", with: "dormant: 4").replacing("5: 2", with: "6: 2")) == [
        "changed stages.one.dormant: 3 > 4", "removed risk.card.age.at_least.5: 2 > -",
        "added risk.card.age.at_least.6: - > 2",
      ])
    #expect(
      try changes(old, old.replacing("[x, y]", with: "[z, x]")) == [
        "removed fields.flags: y > -", "added fields.flags: - > z",
      ])
    #expect(
      try changes(old, old.replacing("[[1, 2], [3, 4]]", with: "[[1, 5]]")) == [
        "removed best.0: 2 > -", "added best.0: - > 5", "removed best.1: [3, 4] > -",
      ])
    let swapped = old.replacing(
      "{one: {dormant: 3, points: 0}, two: {dormant: 0.10}}",
      with: "{two: {dormant: 0.10}, one: {dormant: 3, points: 0}}")
    #expect(try changes(old, swapped) == ["reordered stages: one, two > two, one"])
    #expect(
      try changes(old, old.replacing("name: a", with: "name: {b: [1]}")) == ["changed name: a > {b: [1]}"])
  }

  @Test func lines() {
    func diff(_ old: String, _ new: String) -> String {
      LineDiff.unified(old: Array(old.utf8), new: Array(new.utf8), oldName: "a", newName: "b")
    }
    #expect(diff("1\n2\n", "1\n2\n").isEmpty)
    #expect(diff("", "x\n") == "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n")
    let ten = (1...10).map { "\($0)\n" }.joined()
    #expect(
      diff(ten, ten.replacing("5\n", with: "five\nsix\n")) == """
        --- a
        +++ b
        @@ -2,7 +2,8 @@
         2
         3
         4
        -5
        +five
        +six
         6
         7
         8

        """)
    #expect(diff("a", "a\n").contains("-a\n\\ No newline at end of file\n+a\n"))
    #expect(
      diff("1\n" + ten + ten, "x\n" + ten + ten + "y\n").split(separator: "\n").filter { $0.hasPrefix("@@") }.count == 2
    )
    // Too long to find the least: all of it, and in time.
    let long = (0..<9000).map { "old \($0)\n" }.joined()
    #expect(diff(long, long.replacing("old", with: "new")).split(separator: "\n").count == 18_003)
  }

  /// What is kept and what is added make the new text, what is kept and what is removed the old one.
  @Test func linesOfRandomTexts() {
    var random = SplitMix(state: 7)
    for _ in 0..<300 {
      func text() -> String {
        (0..<Int(random.next() % 30)).map { _ in "\(random.next() % 5)\n" }.joined()
      }
      let (old, new) = (text(), text())
      let diff = LineDiff.unified(old: Array(old.utf8), new: Array(new.utf8), oldName: "a", newName: "b")
      #expect(diff.isEmpty == (old == new))
      let lines = diff.split(separator: "\n").dropFirst(2)
      let removed = lines.filter { $0.hasPrefix("-") }.count
      let added = lines.filter { $0.hasPrefix("+") }.count
      #expect(old.split(separator: "\n").count - removed == new.split(separator: "\n").count - added)
    }
  }
}
