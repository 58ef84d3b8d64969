import Foundation
import TestData
import Testing

private let python: String? = {
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
  return folders.map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}()

/// `tools/conformance` as its users run it. It needs Python, which no other test does: without it there is nothing to see.
@Suite(.enabled(if: python != nil, "there is no python3")) struct ConformanceToolTests {
  private static let tool = Vectors.folder.deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "tools/conformance").path

  private static func run(_ arguments: [String]) throws -> ServerProcess.Ended {
    try ServerProcess.run(
      URL(filePath: python ?? ""), [tool] + arguments, environment: ["PYTHONDONTWRITEBYTECODE": "1"])
  }

  private static func against(_ server: ServerProcess, _ more: [String] = []) throws -> ServerProcess.Ended {
    try run(
      [
        "127.0.0.1:\(server.port)", "--ca", server.tls("ca.pem"), "--cert", server.tls("client.pem"), "--key",
        server.tls("client.key"),
      ] + more)
  }

  /// The last line, as numbers.
  private func counts(_ done: ServerProcess.Ended) -> [Int] {
    let last = String(decoding: done.output, as: UTF8.self).split(separator: "\n").last ?? ""
    guard last.hasSuffix(" skipped") else { return [] }
    return last.split(separator: " ").compactMap { Int($0) }
  }

  @Test func everythingThatFitsPasses() throws {
    let server = try ServerProcess()
    let done = try Self.against(server, ["--ledger"])
    let counts = counts(done)
    #expect(done.code == 0, "\(String(decoding: done.output, as: UTF8.self).suffix(2000)) \(done.error)")
    #expect(counts.count == 3 && counts[0] > 600 && counts[1] == 0 && counts[2] > 30)
  }

  @Test func aDifferenceIsAFailure() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let wire = folder.appending(path: "wire")
    try FileManager.default.copyItem(at: Vectors.folder.appending(path: "wire"), to: wire)
    let file = wire.appending(path: "requests.ndjson")
    let text = try String(contentsOf: file, encoding: .utf8)
    try text.replacingOccurrences(of: #"{\"id\":7,\"ok\":true}"#, with: #"{\"id\":8,\"ok\":true}"#)
      .write(to: file, atomically: true, encoding: .utf8)
    let server = try ServerProcess()
    let done = try Self.against(server, ["--vectors", wire.path, "--only", "requests/id-*"])
    #expect(done.code == 1)
    #expect(counts(done).dropFirst().first == 1)
    let output = String(decoding: done.output, as: UTF8.self)
    #expect(output.contains("FAILED  requests/id-integer: "))
    #expect(output.contains(#"got      {"id":7,"ok":true}"#))
  }

  @Test func nothingIsWrittenUnasked() throws {
    let server = try ServerProcess()
    let first = try Self.against(server, ["--only", "ledger/*"])
    #expect(counts(first).first == 0)
    let done = try Self.against(server, ["--only", "ledger/record-inline", "--ledger"])
    #expect(counts(done).first == 1)
  }

  @Test func whatDoesNotFitIsSkipped() throws {
    let server = try ServerProcess(policy: ("donors.yaml", try Vectors.bytes("../examples/lapsed-donors.yaml")))
    let done = try Self.against(server)
    #expect(done.code == 2)
    #expect(counts(done).first == 0)
    #expect(
      String(decoding: done.output, as: UTF8.self).contains("profile default does not fit: the server's policy is"))
  }

  @Test func usage() throws {
    #expect(try Self.run(["--help"]).code == 0)
    #expect(try Self.run([]).code == 2)
    #expect(try Self.run(["nowhere"]).code == 2)
    #expect(try Self.run(["127.0.0.1:1", "--cert", "x"]).code == 2)
    #expect(try Self.run(["127.0.0.1:1", "--seconds", "2"]).code == 2)
    #expect(try Self.run(["--profile", "bogus"]).code == 2)
    let small = try Self.run(["--profile", "small"])
    #expect(small.code == 0)
    #expect(String(decoding: small.output, as: UTF8.self).contains("  line_bytes: 1024\n"))
  }
}
