import ArgumentParser
import RouseServer

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look an installation over, and say what to do.",
    discussion: """
      Files and who may read them, certificates, who has which role, the policy, the ledger and its lock, the audit log, \
      the clock, open files, memory, disk, the port. Changes nothing, and may be asked while the server runs. As root it \
      sees most.

        rouse-server doctor
        rouse-server doctor --config home/server.yaml --json

      A line each: ✓ in order; ! a problem, and below it what to do; - not looked at. Exit code 0: no problems; 1: some.
      """)

  @Option(help: "The configuration.", completion: .file(extensions: ["yaml"]))
  var config = "/etc/rouse/server.yaml"

  @Flag(help: "The findings as JSON.")
  var json = false

  func run() throws {
    let findings = RouseServer.Doctor(configurationFile: config, now: wallClock()).run()
    let problems = findings.count { $0.state == .problem }
    if json {
      print("{\"ok\":\(problems == 0),\"findings\":[\(findings.map(\.json).joined(separator: ","))]}")
    } else {
      for line in findings.flatMap(\.lines) { print(line) }
      print(problems == 0 ? "no problems" : "\(problems) problem\(problems == 1 ? "" : "s")")
    }
    if problems > 0 { throw ExitCode(1) }
  }
}
