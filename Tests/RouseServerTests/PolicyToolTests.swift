import Foundation
import RouseWire
import TestData
import Testing

/// `rouse policy check --lint`, `show --effective` and `test`, as a person and a build server run them.
struct PolicyToolTests {
  private static let examples = Vectors.folder.deletingLastPathComponent().appending(path: "examples")
  private static func example(_ name: String) -> String { examples.appending(path: name).path }

  private static func lines(_ text: String) -> [JSONValue] {
    text.split(separator: "\n").compactMap { JSONValue(Array($0.utf8)) }
  }

  @Test(arguments: ["cash-loan-recall.yaml", "lapsed-donors.yaml", "lapsed-shoppers.yaml"])
  func nothingIsFound(_ name: String) throws {
    let ended = try ClientRun(["policy", "check", Self.example(name), "--lint"])
    #expect(ended.code == 0 && ended.output == "\(Self.example(name)): nothing found\n" && ended.error.isEmpty)
    let json = try ClientRun(["policy", "check", Self.example(name), "--lint", "--json"])
    #expect(json.code == 0 && json.output.isEmpty)
  }

  @Test func aFindingIsExitCodeOne() throws {
    let file = Self.example("cash-loan-recall.yaml")
    let ended = try ClientRun(["policy", "check", file, "--lint", "--set", "risk.cutoff=700", "--set", "gap_days=7"])
    #expect(ended.code == 1)
    #expect(ended.output.contains(": cutoff_nobody: risk.cutoff: "))
    #expect(
      ended.output.contains("\(file):197:10: cap_unreachable: cap_30d: ") || ended.output.contains("cap_unreachable"))
    #expect(ended.output.hasSuffix("2 findings\n"))
    let json = try ClientRun(["policy", "check", file, "--lint", "--json", "--set", "gap_days=7"])
    #expect(json.code == 1)
    let finding = try #require(Self.lines(json.output).first)
    #expect(finding["code"]?.text == "cap_unreachable" && finding["path"]?.text == "cap_30d")
    #expect(finding["line"]?.whole != nil && finding["column"]?.whole != nil)
    #expect(finding["message"]?.text?.isEmpty == false && finding["remedy"]?.text?.isEmpty == false)
  }

  /// What does not load is told as without --lint.
  @Test func aFaultIsNoFinding() throws {
    let bad = Vectors.folder.appending(path: "bad-policies/range.yaml").path
    #expect(try ClientRun(["policy", "check", bad, "--lint"]).code == 2)
  }

  @Test func effectiveOfAFile() throws {
    let file = Self.example("lapsed-donors.yaml")
    let ended = try ClientRun(["policy", "show", "--effective", file, "--set", "plan.budget=5"])
    #expect(ended.code == 0)
    let budget = ended.output.split(separator: "\n").first { $0.contains("budget") }
    #expect(budget?.hasSuffix("--set") == true)
    #expect(ended.output.contains("default, of response.half_life"))
    let json = try ClientRun(["policy", "show", "--effective", "--json", file])
    #expect(json.code == 0 && Self.lines(json.output).count > 100)
    #expect(try ClientRun(["policy", "show", file]).code == 2)
    #expect(try ClientRun(["policy", "show", "--effective", "/nowhere.yaml"]).code == 2)
  }

  @Test func casesPassAndFail() throws {
    let cases = Self.example("cash-loan-recall.tests.yaml")
    let passed = try ClientRun(["policy", "test", cases])
    #expect(passed.code == 0, "\(passed.output)\(passed.error)")
    #expect(passed.output.contains(" cases as expected under cash-loan-recall@"))
    let failed = try ClientRun(["policy", "test", cases, "--set", "gap_days=0"])
    #expect(failed.code == 1)
    #expect(failed.output.contains("Written to yesterday: status: expected resting, found "))
    let json = try ClientRun(["policy", "test", cases, "--json", "--set", "gap_days=0"])
    #expect(json.code == 1)
    let lines = Self.lines(json.output)
    #expect(lines.last?["failed"]?.whole == 1)
    #expect(lines.dropLast().count { $0["passed"]?.boolean == false } == 1)
    let other = try ClientRun(["policy", "test", cases, "--policy", Self.example("lapsed-donors.yaml")])
    #expect(other.code == 2 && other.error.contains("the policy has no stage 'registered'"))
    #expect(try ClientRun(["policy", "test", "/nowhere.yaml"]).code == 2)
  }

  @Test func anAnswerIsFilledIn() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "own.tests.yaml")
    let text = """
      # Kept.
      policy: \(Self.example("cash-loan-recall.yaml"))
      as_of: 2026-03-01T10:00:00+08:00
      cases:
        - name: first        # kept too
          candidate: {loan_settled_at: 2025-12-28T03:00:00Z, sms_ok: true}
        - name: second
          candidate: {loan_settled_at: 2025-12-28T03:00:00Z}
          expect: {status: suppressed}

      """
    try text.write(to: file, atomically: true, encoding: .utf8)
    let open = try ClientRun(["policy", "test", file.path])
    #expect(
      open.code == 1 && open.output.contains(":5:5: first: expects nothing yet; now it would be expect: {status: "))
    #expect(try ClientRun(["policy", "test", file.path, "--write"]).code == 0)
    let filled = try String(contentsOf: file, encoding: .utf8)
    let lines = filled.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == text.split(separator: "\n", omittingEmptySubsequences: false).count + 1)
    #expect(lines[4] == "  - name: first        # kept too")
    #expect(lines[5].hasPrefix("    expect: {status: unprofitable, stage: settled, tier: '3m', reasons: [E01]"))
    #expect(try ClientRun(["policy", "test", file.path]).code == 0)
  }
}
