import Dispatch
import Foundation
import Histogram
import RouseTLS

/// How long a load is measured.
package enum LoadLength: Sendable {
  case seconds(Double)
  case requests(Int)

  /// What one of so many threads has to do of the requests.
  func share(of index: Int, _ count: Int) -> Int? {
    guard case .requests(let requests) = self else { return nil }
    return requests / count + (index < requests % count ? 1 : 0)
  }
}

/// `score` requests sent as fast as they are answered: so many under way, on so many connections, for so long.
package struct ScoreLoad: Sendable {
  package var inFlight: Int
  package var connections: Int
  package var threads: Int
  package var warmUp: Double
  package var length: LoadLength
  /// A process on this machine whose time is told too.
  package var server: Int?

  package init(inFlight: Int, connections: Int, threads: Int, warmUp: Double, length: LoadLength, server: Int?) {
    self.inFlight = inFlight
    self.connections = connections
    self.threads = threads
    self.warmUp = warmUp
    self.length = length
    self.server = server
  }

  /// Blocks until all is answered. Throws `ClientError`.
  package func run(_ client: Client, _ requests: LoadRequests) throws -> LoadReport {
    var dealt: [[LoadConnection]] = Array(repeating: [], count: min(threads, connections))
    for index in 0..<connections {
      let connection = try LoadConnection(
        client, requests, first: index * requests.count / connections, inFlight: inFlight)
      dealt[index % dealt.count].append(connection)
    }
    let start = monotonicTime() + MonotonicTime(warmUp * 1e9)
    var end = MonotonicTime.max
    if case .seconds(let seconds) = length { end = start + MonotonicTime(seconds * 1e9) }

    let workers = dealt.map { LoadThread(client, $0) }
    let finished = DispatchGroup()
    nonisolated(unsafe) var results: [Result<LoadTally, any Error>?] = Array(repeating: nil, count: workers.count)
    let lock = NSLock()
    for (index, worker) in workers.enumerated() {
      nonisolated(unsafe) let worker = worker
      let course = LoadThread.Course(start: start, end: end, requests: length.share(of: index, workers.count))
      finished.enter()
      let thread = Thread {
        let result = Result { try worker.run(course) }
        lock.withLock { results[index] = result }
        finished.leave()
      }
      thread.start()
    }

    _ = finished.wait(timeout: .now() + max(0, Double(start - monotonicTime()) / 1e9))
    let before = (own: ProcessUse.own, server: server.flatMap(ProcessUse.init(of:)))
    let left = end == .max ? DispatchTime.distantFuture : .now() + max(0, Double(end - monotonicTime()) / 1e9)
    _ = finished.wait(timeout: left)
    let after = (own: ProcessUse.own, server: server.flatMap(ProcessUse.init(of:)))
    finished.wait()

    var tally = LoadTally()
    for result in results { try result.map { tally.add(try $0.get()) } }
    for connection in dealt.joined() { connection.socket.tls.sayGoodbye() }
    let last = end == .max ? workers.map(\.last).max() ?? start : end
    return LoadReport(
      tally, seconds: max(1e-9, Double(last - start) / 1e9), cpu: after.own.cpu - before.own.cpu,
      serverCPU: after.server.flatMap { after in before.server.map { after.cpu - $0.cpu } })
  }
}

/// What a load has shown.
package struct LoadReport: Sendable {
  package let requests: Int
  /// Candidates decided, those of requests that were answered by an error not counted.
  package let users: Int
  /// By their code.
  package let errors: [String: Int]
  /// Measured, without the warm-up.
  package let seconds: Double
  /// Seconds of processor time of this process.
  package let cpu: Double
  /// Those of the server, where it is on this machine and was named.
  package let serverCPU: Double?
  private let latencies: Histogram<UInt64>

  init(_ tally: LoadTally, seconds: Double, cpu: Double, serverCPU: Double?) {
    requests = tally.requests
    users = tally.users
    errors = tally.errors
    latencies = tally.latencies
    self.seconds = seconds
    self.cpu = cpu
    self.serverCPU = serverCPU
  }

  /// Seconds from the write of a request to the read of its answer, that this part of the requests in a hundred did not
  /// exceed.
  package func latency(atPercentile percentile: Double) -> Double {
    Double(latencies.valueAtPercentile(percentile)) / 1e9
  }

  /// Seconds.
  package var longestLatency: Double { requests == 0 ? 0 : Double(latencies.max) / 1e9 }
}
