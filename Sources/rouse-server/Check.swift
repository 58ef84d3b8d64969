import ArgumentParser
import Foundation
import Logging
import RouseServer

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check the configuration, its certificates and its policy, and exit.",
    discussion: "Exit code 0 when a server would start with them, else 2 and a line for each mistake.")

  @Option(help: "The configuration to check.", completion: .file(extensions: ["yaml"]))
  var config: String

  func run() throws {
    let server = try Server(
      configurationFile: config, listen: nil, portFile: nil, threshold: LogThreshold(.warning),
      logger: Logger(label: "rouse-server"), makeAudit: false)
    if let file = server.auditFile { try AuditLog.check(file: file) }
    for warning in server.certificateWarnings(now: wallClock()) + server.approvalWarnings {
      RouseServerCommand.complain("warning: \(warning)")
    }
    print("ok: \(config), policy \(server.policyVersion)")
  }
}
