import RousePolicy
import RouseReview

/// What lint finds in a policy file that loads.
struct PolicyLint {
  let findings: [LintFinding]

  /// - Parameter set: `PATH=JSON`, applied before the policy is read.
  init(_ bytes: [UInt8], _ file: String, set: [String]) throws(PolicyDiagnostics) {
    var document = try Document.parse(bytes, format: Document.Format(fileName: file))
    for text in set { try document.set(try Override(parsing: text)) }
    findings = Linter.findings(try PolicyReader.read(document), document, source: bytes)
  }

  /// On standard output: JSON lines, or a line each and their number.
  func write(file: String, asJSON: Bool) throws {
    if asJSON {
      try StandardOutput().write(findings.map { $0.json + "\n" }.joined())
    } else if findings.isEmpty {
      try StandardOutput().write("\(file): nothing found\n")
    } else {
      let count = findings.count == 1 ? "1 finding\n" : "\(findings.count) findings\n"
      try StandardOutput().write(findings.map { $0.line(file: file) + "\n" }.joined() + count)
    }
  }
}
