import NIOCore
import RouseTLS
import Testing

@Suite(.timeLimit(.minutes(15))) struct RotationTests {
  @Test func oldConnectionsLiveOnAndNewOnesSeeTheNewCertificate() async throws {
    let home = try TestHome()
    let (clientContext, next) = (try home.client(), try TestHome())
    let server = try await Server(home.server())
    let old = try await Client(clientContext, port: server.port)
    #expect(await until { old.log.now.handshakes.count == 1 })
    server.context.rotate(to: try next.server())

    let new = try await Client(next.client(), port: server.port)
    new.send("new")
    #expect(await until { new.log.now.bytes == Array("new".utf8) })
    old.send("old")
    #expect(await until { old.log.now.bytes == Array("old".utf8) })
    let seen = [old, new].map { $0.log.now.handshakes.first?.peer?.sha256Fingerprint }
    #expect(seen.allSatisfy { $0 != nil } && seen.first != seen.last)
    // The old ticket is a stranger's now: a full handshake, which this client's authority does not vouch for.
    let again = try await Client(clientContext, port: server.port)
    #expect(await until { again.log.now.inactive })
    #expect(
      again.log.now.errors == [.handshake("certificate verify failed: unable to get local issuer certificate")])
    for client in [old, new] { try await client.channel.close() }
    await server.close()
  }

  /// A context lives exactly as long as its last connection.
  @Test func nothingOfAnOldContextStays() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    weak let first: TLSServerContext? = server.context.now
    let held = try await Client(home.client(), port: server.port)
    #expect(await until { held.log.now.handshakes.count == 1 })
    weak var last: TLSServerContext?
    for _ in 0..<20 {
      last = nil
      let next = try home.server()
      server.context.rotate(to: next)
      last = next
      let client = try await Client(home.client(), port: server.port)
      client.send("x")
      #expect(await until { client.log.now.count == 1 })
      try await client.channel.close()
    }
    #expect(first != nil)
    try await held.channel.close()
    #expect(await until { first == nil })
    server.context.rotate(to: try home.server())
    #expect(await until { last == nil })
    await server.close()
  }

  /// Clients with tickets of any age: none notices.
  @Test func fiftyRotationsUnderLoad() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let context = try home.client()
    let failures = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var failures = 0
          for _ in 0..<100 {
            let client = try await Client(context, port: server.port)
            client.send("hello")
            let answered = await until { client.log.now.count == 5 || client.log.now.inactive }
            if !answered || !client.log.now.errors.isEmpty { failures += 1 }
            try? await client.channel.close()
          }
          return failures
        }
      }
      for _ in 0..<50 {
        server.context.rotate(to: try home.server())
        try await Task.sleep(for: .milliseconds(20))
      }
      return try await group.reduce(0, +)
    }
    #expect(failures == 0)
    #expect(server.log.now.errors.isEmpty)
    let handshakes = server.log.now.handshakes
    #expect(handshakes.count == 400 && handshakes.contains { $0.resumed } && handshakes.contains { !$0.resumed })
    await server.close()
  }
}
