import RouseWire

/// `score` requests as bytes, ready to go: whoever sends them copies nothing. Each has its place among them for an id, so
/// that an answer that came out of turn would be seen.
package struct LoadRequests: Sendable {
  /// All of them, one after another, each with its LF.
  let bytes: [UInt8]
  /// Where each begins, and where the last one ends.
  let starts: [Int]
  /// Candidates of each but perhaps the last.
  let batch: Int
  /// Candidates in all of them.
  private let candidates: Int

  /// - Parameters:
  ///   - candidates: at least one, each the text of a JSON object without an LF.
  ///   - batch: candidates a request, at least 1; the last request takes what is left.
  ///   - settings: the other members of the request, as RequestLine has them.
  package init(_ candidates: [[UInt8]], batch: Int, settings: RequestLine) {
    var bytes: [UInt8] = []
    var starts = [0]
    let head = Array(settings.line.utf8.dropLast())
    for first in stride(from: 0, to: candidates.count, by: batch) {
      bytes += head
      bytes += ",\"id\":\(starts.count - 1),\"users\":[".utf8
      bytes += candidates[first..<min(first + batch, candidates.count)].joined(separator: [0x2C])
      bytes += "]}\n".utf8
      starts.append(bytes.count)
    }
    self.bytes = bytes
    self.starts = starts
    self.batch = batch
    self.candidates = candidates.count
  }

  var count: Int { starts.count - 1 }

  /// Candidates of a request.
  func users(of request: Int) -> Int { request == count - 1 ? candidates - request * batch : batch }

  /// How many of the requests from there on, at most so many, and not around the end, go out in one write.
  func run(from request: Int, most: Int) -> Int {
    var end = min(request + most, count)
    while end > request + 1, starts[end] - starts[request] > Self.mostInAWrite { end -= 1 }
    return end - request
  }

  private static let mostInAWrite = 1 << 18
}
