import Foundation

/// Connections that have been let in, and then do nothing: what they cost the server is memory.
package struct IdleLoad: Sendable {
  package var connections: Int
  /// A process on this machine whose memory is told.
  package var server: Int?

  package init(connections: Int, server: Int?) {
    self.connections = connections
    self.server = server
  }

  /// Opens them, each after a ping, calls `hold` while they stand, and says goodbye. Throws `ClientError`, and what
  /// `hold` throws.
  ///
  /// - Parameter hold: is told how many bytes of the server's memory each has taken; nil where that cannot be known.
  package func run(_ client: Client, _ hold: (_ bytes: Int?) throws -> Void) throws {
    raiseDescriptorLimit()
    // The first ones bring in what is there once for all of them.
    for _ in 0..<Self.first { try LoadSocket(client).pinged().finish() }
    let before = server.flatMap(ProcessUse.init(of:))
    var sockets: [LoadSocket] = []
    for _ in 0..<connections { sockets.append(try LoadSocket(client).pinged()) }
    // The server may still put away what the last one needed.
    Thread.sleep(forTimeInterval: 0.2)
    let after = server.flatMap(ProcessUse.init(of:))
    try hold(after.flatMap { after in before.map { (after.resident - $0.resident) / connections } })
    for socket in sockets { socket.finish() }
  }

  private static let first = 16

  /// As many as the system lets us have: a connection is a descriptor.
  private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
