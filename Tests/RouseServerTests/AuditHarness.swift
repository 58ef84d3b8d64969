import Foundation
import Logging
import RouseWire

@testable import RouseServer

/// An audit log in a folder of its own, with a clock that stands.
final class AuditHarness {
  let folder: URL
  var file: String { folder.appending(path: "audit.ndjson").path }

  static let time = LogTime(seconds: 1_772_330_400)

  init() throws { folder = try ServerProcess.temporaryFolder() }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func log(
    logger: Logger? = nil, patience: Int = 5000,
    write: @escaping @Sendable (Int32, UnsafeRawBufferPointer) -> Int = { Glibc.write($0, $1.baseAddress, $1.count) }
  ) throws -> AuditLog {
    try AuditLog(file: file, logger: logger, patience: patience, now: { Self.time }, write: write)
  }

  var bytes: [UInt8] { FileManager.default.contents(atPath: file).map(Array.init) ?? [] }
  var lines: [[UInt8]] { bytes.split(separator: 0x0A).map(Array.init) }
  var entries: [JSONValue?] { lines.map { JSONValue($0) } }
  /// - Parameter line: from 1.
  func entry(_ line: Int) -> JSONValue? { entries.dropFirst(line - 1).first ?? nil }
  var events: [String] { entries.map { $0?["event"]?.text ?? "?" } }

  func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: file)) }
  func add(_ text: String) throws { try write(bytes + Array(text.utf8)) }

  func verify(head: String? = nil) throws -> AuditVerification.Outcome {
    try AuditVerification.run(file: file, head: head)
  }

  /// How many entries it has; nil when it is broken.
  func sound() throws -> Int? { if case .sound(let entries, _, _) = try verify() { entries } else { nil } }

  /// Where it is broken, and how.
  func fault(head: String? = nil) throws -> (line: Int, reason: String)? {
    if case .broken(let line, let reason) = try verify(head: head) { (line, reason) } else { nil }
  }

  /// One of each event, with whatever a text from outside may hold.
  static let each: [AuditEvent] = [
    .started(server: "0.1.0", policy: "p@000000000000", configuration: String(repeating: "a", count: 64)), .stopped,
    .policyActivated(from: "p@0", to: "p@1", by: .identity("operator")),
    .policyReloaded(from: "a", to: "b", by: .signal),
    .usersErased(known: 2, unknown: 1, users: ["00ff", "x\n"], by: .identity("operator")),
    .policyRejected(by: .file, diagnostics: 2, first: "3:1: unknown_key: \"x\n\u{2028}é\\", sha256: "00"),
    .configurationReloaded(from: "a", to: "b", by: .signal, keys: ["limits.connections", "identities"]),
    .configurationRejected(from: "a", to: "b", by: .file, keys: [], diagnostics: 1),
    .certificateReloaded(fingerprint: "ff", notAfter: 1_772_330_400, by: .file),
    .tokenAdded(name: "campaigns", roles: ["score", "record"], by: .user("root")),
    .tokenRemoved(name: "campaigns", roles: ["score"], by: .user("root")),
    .loginRefused(RefusedLogin(at: time, peer: "10.0.0.1:5", reason: .badToken)),
    .loginRefused(
      RefusedLogin(
        at: time, peer: "[::1]:5", reason: .certificateWithoutIdentity, detail: "x", subject: "CN=\u{1B}[2J\"",
        fingerprint: "ab")),
    .loginsRefused(RefusedLoginCount(RefusedLogin(at: time, peer: "a", reason: .thirdBadToken))),
    .recovered(bytes: 5, text: "{\"seq"), .fileReplaced(last: AuditPosition(seq: 7, hash: "cd")),
    .policyProposed(from: "a", to: "b", by: .identity("ann")),
    .policyApproved(from: "a", to: "b", by: .identity("ben"), author: "identity:ann\n\""),
    .policyWithdrawn(policy: "b", by: .identity("ben"), author: "file"),
    .policyRolledBack(from: "b", to: "a", by: .identity("ben")), .policyUnapproved(from: "a", to: "b"),
  ]
}
