import ArgumentParser
import RouseCore
import RousePolicy
import RouseWire

struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Check, test, compare, fit and activate policies.",
    subcommands: [
      PolicyCheck.self, PolicyTest.self, PolicyShow.self, PolicyDiff.self, PolicyCompare.self, PolicyBacktest.self,
      PolicyStart.self, PolicyFitCommand.self, PolicyImport.self, PolicyActivate.self, PolicyShadow.self,
      PolicyApprove.self, PolicyWithdraw.self, PolicyRollback.self, PolicyHistory.self,
    ])
}

struct PolicyCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Tell everything that is wrong with a policy file, and where.",
    discussion: """
        rouse policy check policy.yaml
        rouse policy check policy.yaml --set plan.budget=12.5
        rouse policy check policy.json --json
        rouse policy check policy.yaml --lint

      Exit code 0: the policy loads. 2: it does not, and each fault stands on a line FILE:LINE:COLUMN: kind: path: \
      message. With --json each is a JSON object on standard output; a sound policy prints nothing.

      --lint looks further, at a policy that loads: stages and bins that nobody reaches, rules that imply each other, \
      limits that never bind, and more (proto-spec/lint.md). Each finding stands on a line of standard output, \
      FILE:LINE:COLUMN: code: path: message; remedy. Exit code 0: nothing found. 1: something.
      """)

  @Argument(help: "YAML, or JSON by its name.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @Option(
    help: ArgumentHelp("Change a value before the check; repeatable. The value is JSON.", valueName: "path=json"))
  var set: [String] = []

  @Flag(help: "Look for what loads and yet cannot be meant.")
  var lint = false

  @Flag(help: "Faults, or findings, as JSON lines on standard output.")
  var json = false

  func run() async throws {
    let bytes = try FileInput.contents(of: file)
    let diagnostics: [Diagnostic]
    switch Result(catching: { () throws(PolicyDiagnostics) in try PolicyFile.definition(bytes, file, set) }) {
    case .success(let definition):
      if lint {
        let lint = try PolicyLint(bytes, file, set: set)
        try lint.write(file: file, asJSON: json)
        if !lint.findings.isEmpty { throw Failure(.invalidInput, "") }
        return
      }
      if !json { try print("\(file): sound\n" + Self.summary(Policy(definition, bytes: bytes))) }
      return
    case .failure(let error):
      diagnostics = error.all
    }
    if json {
      try print(diagnostics.map(Self.json).joined())
    } else {
      let lines = diagnostics.map { $0.line(file: file) + "\n" }.joined()
      StandardError.write(lines + (diagnostics.count == 1 ? "1 fault\n" : "\(diagnostics.count) faults\n"))
    }
    throw Failure(.usage, "")
  }

  private func print(_ text: String) throws { try StandardOutput().write(text) }

  private static func summary(_ policy: Policy) -> String {
    let definition = policy.definition
    return """
      policy    \(policy.version)
      fields    \(definition.fields.declared.count)
      stages    \(definition.stages.count)
      rules     \(definition.suppress.count) suppress, \(definition.knockout.count) knock out
      cards     \(definition.risk.card.count) rows for risk, \(definition.response.card.count) for response
      channels  \(definition.channels.map(\.name).joined(separator: ", "))

      """
  }

  static func json(_ diagnostic: Diagnostic) -> String {
    var members = [
      "\"kind\":" + JSONText.quoted(diagnostic.kind.rawValue), "\"path\":" + JSONText.quoted(diagnostic.path),
    ]
    if let line = diagnostic.line, let column = diagnostic.column {
      members += ["\"line\":\(line)", "\"column\":\(column)"]
    }
    members.append("\"message\":" + JSONText.quoted(diagnostic.message))
    return "{" + members.joined(separator: ",") + "}\n"
  }
}
