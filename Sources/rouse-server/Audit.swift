import ArgumentParser
import RouseServer

struct Audit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check or read the audit log: who changed what, and who was refused.",
    subcommands: [AuditVerify.self, AuditShow.self])
}

/// Which audit log is meant.
struct AuditSource: ParsableArguments {
  @Argument(help: "The audit log's file.", completion: .file(extensions: ["ndjson"]))
  var file: String?

  @Option(help: "The configuration that names it under audit.", completion: .file(extensions: ["yaml"]))
  var config: String?

  func validate() throws {
    if (file == nil) == (config == nil) { throw ValidationError("give either a FILE or --config server.yaml") }
  }

  func path() throws(ConfigurationError) -> String {
    if let file { return file }
    let config = config ?? ""
    guard let path = try Configuration.read(file: config).auditFile else {
      throw ConfigurationError("\(config): keeps no audit log; name a file under audit, like audit: audit.ndjson")
    }
    return path
  }
}
