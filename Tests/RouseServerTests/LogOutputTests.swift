import Foundation
import Logging
import RouseWire
import Testing

@testable import RouseServer

/// Logging never waits, and what it drops it counts.
@Suite struct LogOutputTests {
  private final class Pipe {
    private var reader: Int32
    let writer: Int32

    init(isSocket: Bool = false) {
      var ends: [Int32] = [0, 0]
      if isSocket { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) } else { pipe(&ends) }
      reader = ends[0]
      writer = ends[1]
      _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    deinit {
      closeReader()
      close(writer)
    }

    func closeReader() {
      if reader >= 0 { close(reader) }
      reader = -1
    }

    func read() -> String {
      var text: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = Glibc.read(reader, &buffer, buffer.count), count > 0 { text += buffer[..<count] }
      return String(decoding: text, as: UTF8.self)
    }
  }

  private func logger(_ output: LogOutput, _ threshold: LogThreshold = LogThreshold(.info)) -> Logger {
    Logger(label: "test") { _ in LineLogHandler(output, threshold) }
  }

  @Test(arguments: [false, true]) func aFullPipeNeverBlocks(_ isSocket: Bool) throws {
    let pipe = Pipe(isSocket: isSocket)
    let flags = fcntl(pipe.writer, F_GETFL)
    let output = LogOutput(pipe.writer, format: .json)
    let logger = logger(output)
    let text = String(repeating: "x", count: 900)
    for number in 0..<2000 {
      logger.info("event", metadata: ["number": .stringConvertible(number), "text": "\(text)"])
    }
    // Whoever shares the descriptor is not made non-blocking.
    #expect(fcntl(pipe.writer, F_GETFL) == flags)
    #expect(output.dropped > 0)
    // A pipe takes a line whole or not at all; a socket may take a part, and then the line is ended there.
    let lines = pipe.read().split(separator: "\n", omittingEmptySubsequences: false)
    #expect(isSocket || lines.last == "")
    var next = 0
    for line in lines.dropLast() {
      let line = try #require(JSONValue(line.utf8), "\(line)")
      if let number = line["number"]?.whole {
        #expect(number == next)
        next += 1
      } else {
        next += try #require(line["lines"]?.whole)
      }
    }
    let dropped = output.dropped
    #expect(next + dropped == 2000)
    logger.info("after")
    let more = pipe.read().split(separator: "\n")
    #expect(more.count == 2)
    let notice = try #require(more.first.flatMap { JSONValue($0.utf8) })
    #expect(notice["level"]?.text == "warning" && notice["lines"]?.whole == dropped)
    #expect(more.last.flatMap { JSONValue($0.utf8) }?["message"]?.text == "after")
    #expect(output.dropped == 0)
  }

  @Test func aReaderThatIsGone() {
    signal(SIGPIPE, SIG_IGN)
    let pipe = Pipe()
    let output = LogOutput(pipe.writer, format: .text)
    pipe.closeReader()
    logger(output).info("event")
    #expect(output.dropped == 1)
  }

  /// A file that others append to as well keeps what they write.
  @Test func aFile() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "log").path
    let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    write(descriptor, "before\n", 7)
    logger(LogOutput(descriptor, format: .text)).error("event")
    write(descriptor, "after\n", 6)
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 3 && lines[0] == "before" && lines[1].hasSuffix(" error event") && lines[2] == "after")
  }

  @Test func theThresholdMoves() {
    let pipe = Pipe()
    let threshold = LogThreshold(.info)
    let one = logger(LogOutput(pipe.writer, format: .text), threshold)
    var quiet = one
    quiet.logLevel = .error
    #expect(one.logLevel == .info && quiet.logLevel == .error)
    one.debug("no")
    threshold.level = .debug
    #expect(one.logLevel == .debug && quiet.logLevel == .error)
    one.debug("yes")
    quiet.info("no")
    threshold.level = .error
    one.warning("no")
    #expect(pipe.read().hasSuffix("Z debug yes\n"))
    for level in Logger.Level.allCases {
      threshold.level = level
      #expect(one.logLevel == level)
    }
  }

  @Test func metadataOfTheLoggerAndTheEvent() {
    struct Fault: Error, CustomStringConvertible { let description = "out\nof order" }
    let pipe = Pipe()
    var logger = logger(LogOutput(pipe.writer, format: .text))
    logger[metadataKey: "a"] = "1"
    logger[metadataKey: "b"] = "2"
    logger.error("event", error: Fault(), metadata: ["b": "3"])
    #expect(pipe.read().hasSuffix(" error event a=1 b=3 error=\"out\\nof order\"\n"))
  }
}
