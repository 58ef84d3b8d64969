import Histogram
import RouseTLS

/// Connections made one after another: connect, shake hands, ping, goodbye. The ping's answer is what says that the
/// server has accepted us, and brings the ticket.
package struct HandshakeLoad: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Keys are exchanged and certificates checked each time.
    case full
    /// Each resumes the session of the one before.
    case resumed
  }

  package var kind: Kind
  package var warmUp: Double
  package var length: LoadLength
  /// A process on this machine whose time is told too.
  package var server: Int?

  package init(kind: Kind, warmUp: Double, length: LoadLength, server: Int?) {
    self.kind = kind
    self.warmUp = warmUp
    self.length = length
    self.server = server
  }

  /// Blocks until the last one. In the report a request is a connection, and its latency that of the whole of it; those
  /// that were to be resumed and were not are errors. Throws `ClientError`.
  package func run(_ client: Client) throws(ClientError) -> LoadReport {
    var session: TLSSession?
    func connect() throws(ClientError) -> (isResumed: Bool, took: MonotonicTime) {
      let began = monotonicTime()
      let socket = try LoadSocket(client, resuming: session).pinged()
      if kind == .resumed { session = socket.tls.session }
      socket.finish()
      return (socket.tls.isResumed, monotonicTime() - began)
    }

    let warm = monotonicTime() + MonotonicTime(warmUp * 1e9)
    repeat { _ = try connect() } while monotonicTime() < warm
    var tally = LoadTally()
    let before = (own: ProcessUse.own, server: server.flatMap(ProcessUse.init(of:)))
    let start = monotonicTime()
    var now = start
    while !isOver(tally.requests, now - start) {
      let (isResumed, took) = try connect()
      now = monotonicTime()
      tally.requests += 1
      if isResumed != (kind == .resumed) { tally.errors["not \(kind)", default: 0] += 1 }
      tally.latencies.record(UInt64(clamping: took))
    }
    let after = (own: ProcessUse.own, server: server.flatMap(ProcessUse.init(of:)))
    return LoadReport(
      tally, seconds: Double(now - start) / 1e9, cpu: after.own.cpu - before.own.cpu,
      serverCPU: after.server.flatMap { after in before.server.map { after.cpu - $0.cpu } })
  }

  private func isOver(_ done: Int, _ took: MonotonicTime) -> Bool {
    switch length {
    case .seconds(let seconds): Double(took) / 1e9 >= seconds
    case .requests(let requests): done >= requests
    }
  }
}
