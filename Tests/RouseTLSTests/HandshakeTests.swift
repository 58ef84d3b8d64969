import NIOCore
import RouseTLS
import TestPeers
import Testing

@Suite(.timeLimit(.minutes(15))) struct HandshakeTests {
  @Test func bothSidesLearnWhoTheOtherIs() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let client = try await Client(home.client(), port: server.port)
    client.send("hello\n")
    #expect(await until { client.log.now.bytes == Array("hello\n".utf8) })
    let atServer = try #require(server.log.now.handshakes.first)
    #expect(atServer.alpn == "rouse/1")
    #expect(!atServer.resumed)
    let peer = try #require(atServer.peer)
    #expect(peer.subjectCommonName == "operator")
    #expect(peer.dnsNames == ["operator"])
    #expect(peer.subject == "CN=operator")
    #expect(peer.serial.count == 32)
    #expect(peer.sha256Fingerprint.count == 64)
    #expect(abs(peer.notAfter - TestHome.now - 90 * 86400) < 60)
    let atClient = try #require(client.log.now.handshakes.first)
    #expect(atClient.alpn == "rouse/1")
    #expect(atClient.peer?.ipAddresses == ["127.0.0.1", "::1"])
    #expect(atClient.peer?.dnsNames == ["localhost"])
    try await client.channel.close()
    await server.close()
  }

  /// The server's file has no more. That the same authority issues clients' certificates is nobody's business.
  @Test func onlyTheGivenChainIsSent() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let client = try OddClient(port: server.port)
    #expect(client.handshake() == .done)
    #expect(client.chainLength == 1)
    await server.close()
  }

  @Test func aClientWithoutCertificateIsNobody() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.requested))
    let client = try await Client(home.client(certificate: false), port: server.port, host: "localhost")
    client.send("x")
    #expect(await until { client.log.now.count == 1 })
    #expect(try #require(server.log.now.handshakes.first).peer == nil)
    try await client.channel.close()
    await server.close()
  }

  @Test func aRequiredCertificateIsRequired() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.required))
    let client = try await Client(home.client(certificate: false), port: server.port)
    #expect(await until { client.log.now.inactive && !server.log.now.errors.isEmpty })
    #expect(server.log.now.errors == [.handshake("peer did not return a certificate")])
    // On TLS 1.3 the client has finished its handshake by then.
    #expect(client.log.now.errors == [.connection("tlsv13 alert certificate required")])
    #expect(server.log.now.handshakes.isEmpty)
    await server.close()
  }

  @Test func resumedConnectionsKeepTheIdentity() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.required))
    let context = try home.client()
    for turn in 1...4 {
      let client = try await Client(context, port: server.port)
      client.send("hello")
      #expect(await until { client.log.now.count == 5 })
      try await client.channel.close()
      #expect(await until { server.log.now.handshakes.count == turn })
      #expect(client.log.now.handshakes.map(\.resumed) == [turn > 1])
    }
    let seen = server.log.now.handshakes
    #expect(seen.map(\.resumed) == [false, true, true, true])
    #expect(Set(seen.map { $0.peer?.sha256Fingerprint }).count == 1)
    #expect(seen.allSatisfy { $0.peer?.subjectCommonName == "operator" })
    await server.close()
  }

  @Test func aServerOfAnotherAuthorityIsRefusedAndTold() async throws {
    let home = try TestHome()
    let stranger = try TestHome()
    let server = try await Server(home.server(.none))
    let client = try await Client(stranger.client(certificate: false), port: server.port)
    #expect(await until { client.log.now.inactive && !server.log.now.errors.isEmpty })
    #expect(
      client.log.now.errors == [
        .handshake("certificate verify failed: unable to get local issuer certificate")
      ])
    #expect(server.log.now.errors == [.handshake("tlsv1 alert unknown ca")])
    #expect(client.log.now.handshakes.isEmpty)
    await server.close()
  }

  @Test func aClientOfAnotherAuthorityIsRefusedAndTold() async throws {
    let home = try TestHome()
    let stranger = try TestHome()
    let server = try await Server(home.server())
    let context = try TLSClientContext(
      TLSClientSettings(
        caFile: home.path("ca.pem"), certificateFile: stranger.path("client.pem"),
        keyFile: stranger.path("client.key")))
    let client = try await Client(context, port: server.port)
    // Bytes on their way when the server refuses: closing over them must not swallow the alert.
    client.send(String(repeating: "x", count: 100_000))
    #expect(await until { client.log.now.inactive && !server.log.now.errors.isEmpty })
    #expect(
      server.log.now.errors == [.handshake("certificate verify failed: unable to get local issuer certificate")])
    #expect(client.log.now.errors == [.connection("tlsv1 alert unknown ca")])
    #expect(server.log.now.bytes.isEmpty)
    await server.close()
  }

  @Test func anExpiredServerIsRefused() async throws {
    let home = try TestHome(now: TestHome.now - 10 * 86400, days: 5)
    let server = try await Server(home.server(.none))
    let client = try await Client(home.client(certificate: false), port: server.port)
    #expect(await until { client.log.now.inactive && !server.log.now.errors.isEmpty })
    #expect(client.log.now.errors == [.handshake("certificate verify failed: certificate has expired")])
    #expect(server.log.now.errors == [.handshake("sslv3 alert certificate expired")])
    await server.close()
  }

  @Test(arguments: [
    ("wrong.example", "hostname mismatch"), ("127.0.0.2", "IP address mismatch"), ("ocalhost", "hostname mismatch"),
  ])
  func aServerOfAnotherNameIsRefused(name: String, reason: String) async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.none))
    let client = try await Client(home.client(certificate: false), port: server.port, host: name)
    #expect(await until { client.log.now.inactive })
    #expect(client.log.now.errors == [.handshake("certificate verify failed: \(reason)")])
    await server.close()
  }

  @Test(arguments: ["", "a\0b"])
  func aNameThatIsNoneIsRefused(name: String) async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.none))
    let client = try await Client(home.client(certificate: false), port: server.port, host: name)
    #expect(await until { client.log.now.inactive })
    #expect(client.log.now.handshakes.isEmpty)
    #expect(client.log.now.errors.count == 1)
    await server.close()
  }

  @Test func bytesMayComeOneByOne() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.required), drips: true)
    let client = try await Client(home.client(), port: server.port, drips: true)
    client.send("slowly\n")
    #expect(await until { client.log.now.bytes == Array("slowly\n".utf8) })
    #expect(client.log.now.errors.isEmpty && server.log.now.errors.isEmpty)
    try await client.channel.close()
    await server.close()
  }

  @Test func theHandshakeNeedsNobodyToRead() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.required), autoRead: false)
    let client = try await Client(home.client(), port: server.port, autoRead: false)
    #expect(await until { server.log.now.handshakes.count == 1 && client.log.now.handshakes.count == 1 })
    try await client.channel.close()
    await server.close()
  }

  @Test func earlyWritesWaitForTheHandshake() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let client = try await Client(home.client(), port: server.port)
    let parts = (0..<100).map { "\($0) " }
    for part in parts.dropLast() { client.channel.write(ByteBuffer(string: part), promise: nil) }
    try await client.channel.writeAndFlush(ByteBuffer(string: parts[99]))
    #expect(await until { client.log.now.bytes == Array(parts.joined().utf8) })
    try await client.channel.close()
    await server.close()
  }
}
