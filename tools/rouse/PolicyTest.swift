import ArgumentParser
import Foundation
import RouseCore
import RousePolicy
import RouseReview
import RouseWire

struct PolicyTest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run a policy's own cases: candidates, and what must be decided on them.",
    discussion: """
        rouse policy test cash-loan-recall.tests.yaml
        rouse policy test cash-loan-recall.tests.yaml --policy new.yaml
        rouse policy test cash-loan-recall.tests.yaml --write

      The cases stand in a YAML file beside the policy (proto-spec/policy-tests.md):

        policy: cash-loan-recall.yaml
        as_of: 2026-03-01T10:00:00+08:00
        cases:
          - name: Ten loans elsewhere
            candidate:
              loan_settled_at: 2025-12-01T08:00:00Z
              other_loans: 10
              sms_ok: true
            expect: {status: declined, reasons_include: [K06]}

      Each case that comes out differently stands on a line FILE:LINE:COLUMN: case: what was expected and what was \
      found. Exit code 0: all as expected. 1: some are not, or expect nothing. 2: the file or the policy cannot be used.
      """)

  @Argument(help: "Cases: YAML, or JSON by its name.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @Option(
    help: ArgumentHelp("Not the policy that the file names, but this.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var policy: String?

  @Option(help: ArgumentHelp("Change a value of the policy; repeatable. The value is JSON.", valueName: "path=json"))
  var set: [String] = []

  @Flag(help: "A JSON line for each case, and a last one with their numbers.")
  var json = false

  @Flag(help: "Write what is decided now into each case that expects nothing yet.")
  var write = false

  func run() async throws {
    let bytes = try FileInput.contents(of: file)
    let cases = try read { () throws(PolicyDiagnostics) in
      try PolicyCases(try Document.parse(bytes, format: Document.Format(fileName: file)))
    }
    let compiled = try PolicyFile(try policyPath(cases), set: set).policy
    try read { () throws(PolicyDiagnostics) in try cases.check(against: compiled) }
    let results = cases.run(compiled)
    if write { return try fill(results, bytes) }
    let failed = results.count { !$0.hasPassed }
    if json {
      let last =
        "{\"policy\":" + JSONText.quoted(compiled.version) + ",\"cases\":\(results.count),\"failed\":\(failed)}\n"
      try StandardOutput().write(results.map { $0.json + "\n" }.joined() + last)
    } else {
      try StandardOutput().write(results.flatMap(lines).joined() + summary(results.count, failed, compiled.version))
    }
    if failed > 0 { throw Failure(.invalidInput, "") }
  }

  private func read<Value>(_ body: () throws(PolicyDiagnostics) -> Value) throws -> Value {
    do throws(PolicyDiagnostics) {
      return try body()
    } catch {
      throw Failure(.usage, "the cases cannot be used\n" + error.lines(file: file).joined(separator: "\n"))
    }
  }

  /// Beside the cases, unless an option names another.
  private func policyPath(_ cases: PolicyCases) throws -> String {
    if let policy { return policy }
    guard let named = cases.policy else {
      throw Failure(.usage, "\(file) names no policy; add 'policy: FILE' to it, or give --policy FILE")
    }
    if named.hasPrefix("/") { return named }
    return URL(filePath: file).deletingLastPathComponent().appending(path: named).relativePath
  }

  // MARK: - What is told

  private func lines(_ result: CaseResult) -> [String] {
    let name = harmless(result.one.name)
    if result.one.expected == nil {
      let place = result.one.mark.line.map { ":\($0):\(result.one.mark.column ?? 1)" } ?? ""
      return ["\(file)\(place): \(name): expects nothing yet; now it would be expect: \(harmless(result.answer))\n"]
    }
    return result.mismatches.map { mismatch in
      let place = mismatch.line.map { ":\($0):\(mismatch.column ?? 1)" } ?? ""
      return "\(file)\(place): \(name): \(mismatch.key): expected \(harmless(mismatch.expected)), "
        + "found \(harmless(mismatch.found))\n"
    }
  }

  private func summary(_ count: Int, _ failed: Int, _ version: String) -> String {
    let cases = count == 1 ? "1 case" : "\(count) cases"
    return failed == 0 ? "\(cases) as expected under \(version)\n" : "\(cases) under \(version), \(failed) failed\n"
  }

  // MARK: - Filling in

  /// Puts an `expect` under the name of each case that has none; nothing else of the file changes.
  private func fill(_ results: [CaseResult], _ bytes: [UInt8]) throws {
    var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    let open = results.filter { $0.one.expected == nil }
    for result in open.reversed() {
      guard let line = result.one.mark.line, let column = result.one.mark.column, lines.indices.contains(line - 1),
        !lines[line - 1].contains("{")
      else {
        throw Failure(
          .usage,
          "\(file): the case '\(harmless(result.one.name))' cannot be filled in: its name stands on no line of its own")
      }
      lines.insert(String(repeating: " ", count: column - 1) + "expect: " + result.answer, at: line)
    }
    if !open.isEmpty {
      do {
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: file), options: .atomic)
      } catch {
        throw Failure(.usage, "cannot write \(file): \(error.localizedDescription)")
      }
    }
    try StandardOutput().write("\(file): \(open.count == 1 ? "1 case" : "\(open.count) cases") filled in\n")
  }
}
