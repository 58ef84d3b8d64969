import ArgumentParser
import Foundation
import RouseCore
import RousePolicy

/// Working without a server.
struct OfflineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Work in this process, with this policy (YAML, or JSON by its name).", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var policy: String?

  @Option(
    help: ArgumentHelp(
      "Change a value of --policy before it is checked; repeatable. The value is JSON: --set plan.budget=12.5.",
      valueName: "path=json"))
  var set: [String] = []

  @Option(help: ArgumentHelp("Threads with --policy; all cores by default.", valueName: "count"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is between 1 and 1024") }
    if !set.isEmpty, policy == nil { throw ValidationError("--set changes the policy of --policy FILE; give that too") }
    if threads != nil, policy == nil { throw ValidationError("--threads is for work with --policy FILE") }
  }

  var threadCount: Int { threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount) }
}

/// A policy file, checked and compiled; its overrides applied.
struct PolicyFile {
  let policy: Policy

  /// Throws one failure with a line for everything that is wrong.
  init(_ path: String, set: [String]) throws {
    let bytes = try FileInput.contents(of: path)
    do throws(PolicyDiagnostics) {
      policy = Policy(try Self.definition(bytes, path, set), bytes: bytes)
    } catch {
      throw Failure(
        .usage, "the policy cannot be used\n" + error.all.map { $0.line(file: path) }.joined(separator: "\n"))
    }
  }

  static func definition(
    _ bytes: [UInt8], _ path: String, _ set: [String]
  ) throws(PolicyDiagnostics) -> PolicyDefinition {
    var overrides: [Override] = []
    for text in set { overrides.append(try Override(parsing: text)) }
    return try PolicyReader.read(bytes, format: Document.Format(fileName: path), overrides: overrides)
  }
}
