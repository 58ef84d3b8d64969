import Foundation
import TestData
import Testing

private let python: String? = {
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
  return folders.map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}()

/// `tools/bench` as far as a test may: that what it works out of its measurements is right, and that it measures at all. The
/// figures themselves are nobody's test.
@Suite(.enabled(if: python != nil, "there is no python3")) struct BenchToolTests {
  private static let tools = Vectors.folder.deletingLastPathComponent().deletingLastPathComponent().appending(
    path: "tools")

  private static func run(_ arguments: [String]) throws -> ServerProcess.Ended {
    try ServerProcess.run(
      URL(filePath: python ?? ""), arguments,
      environment: ["PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": tools.path, "ROUSE_PROFILE": "", "ROUSE_TOKEN": ""])
  }

  @Test func figures() throws {
    let ended = try Self.run(["-m", "unittest", "benching.test_benching"])
    #expect(ended.code == 0 && ended.error.contains("\nOK"), "\(ended.error)")
  }

  @Test func rowsOfASmallRun() throws {
    let ended = try Self.run([
      Self.tools.appending(path: "bench").path, "--bin", ServerProcess.binaries.path, "--users", "1000", "--rounds",
      "1",
      "--seconds", "0.1", "--rows", "offline-rank,stream,one,start",
    ])
    let report = String(decoding: ended.output, as: UTF8.self)
    #expect(ended.code == 0, "\(ended.error.suffix(2000))")
    for row in [
      "offline on two threads", "streamed `rank` of 1,000", "streamed `score` of 1,000", "one at a time",
      "to listening",
    ] {
      #expect(report.contains(row), "\(row) is missing: \(report)")
    }
  }

  @Test(arguments: [["--users", "0"], ["--growth", "x"], ["--into", "page.md"], ["walk"]])
  func wrongArguments(_ arguments: [String]) throws {
    let ended = try Self.run([Self.tools.appending(path: "bench").path] + arguments)
    #expect(ended.code == 2 && ended.error.contains("usage: tools/bench"))
  }
}
