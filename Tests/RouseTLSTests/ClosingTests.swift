import NIOCore
import RouseTLS
import TestData
import Testing

@Suite(.timeLimit(.minutes(15))) struct ClosingTests {
  @Test(arguments: [true, false])
  func aCutLineIsTruncation(halfClosure: Bool) async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), halfClosure: halfClosure)
    let client = try await Client(home.client(), port: server.port)
    client.send("half a li")
    #expect(await until { client.log.now.count == 9 })
    try await client.cut()
    #expect(await until { server.log.now.inactive })
    #expect(server.log.now.events.dropFirst() == [.truncated])
    await server.close()
  }

  @Test func aGoodbyeIsNoTruncation() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let client = try await Client(home.client(), port: server.port)
    client.send("a line\n")
    #expect(await until { client.log.now.count == 7 })
    try await client.channel.close()
    #expect(await until { server.log.now.inactive })
    #expect(server.log.now.events.dropFirst() == [.closedByPeer])
    #expect(server.log.now.errors.isEmpty)
    await server.close()
  }

  @Test func theServerSaysGoodbyeToo() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .closeOnFirstByte)
    let client = try await Client(home.client(), port: server.port)
    client.send("x")
    #expect(await until { client.log.now.inactive })
    #expect(client.log.now.bytes == Array("go away\n".utf8))
    #expect(client.log.now.events.dropFirst() == [.closedByPeer])
    await server.close()
  }

  /// The server closes with megabytes unread: a reset would take its last line with it.
  @Test func theLastLineArrivesOverUnreadBytes() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .closeOnFirstByte)
    let client = try await Client(home.client(), port: server.port, autoRead: false)
    client.send(String(repeating: "x", count: 8 << 20))
    // Not read until the server has long decided. A reset would by then have closed this end; so may the server's
    // orderly end, but after all it said.
    try await Task.sleep(for: .milliseconds(500))
    try? await client.channel.setOption(.autoRead, value: true).get()
    #expect(await until { client.log.now.inactive })
    #expect(client.log.now.bytes == Array("go away\n".utf8))
    #expect(client.log.now.events.dropFirst() == [.closedByPeer])
    await server.close()
  }

  @Test func whoSaysGoodbyeStillGetsTheAnswer() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .answerGoodbye("42\n"))
    let client = try await Client(home.client(), port: server.port)
    client.send("question\n")
    try await client.channel.close(mode: .output)
    #expect(await until { client.log.now.inactive })
    #expect(client.log.now.bytes == Array("42\n".utf8))
    #expect(client.log.now.events.dropFirst() == [.closedByPeer])
    #expect(server.log.now.bytes == Array("question\n".utf8))
    #expect(server.log.now.events.dropFirst() == [.closedByPeer])
    await server.close()
  }

  @Test func whatWasWrittenIsSentBeforeTheGoodbye() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .count)
    let client = try await Client(home.client(), port: server.port)
    #expect(await until { client.log.now.handshakes.count == 1 })
    client.channel.write(ByteBuffer(repeating: 7, count: 20 << 20), promise: nil)
    try await client.channel.close()
    #expect(await until { server.log.now.count == 20 << 20 })
    #expect(await until { server.log.now.events.last == .closedByPeer })
    await server.close()
  }

  @Test func plainHTTPIsAnError() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let client = try await Client(nil, port: server.port)
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(await until { client.log.now.inactive && server.log.now.inactive })
    #expect(server.log.now.errors == [.handshake("http request")])
    #expect(server.log.now.handshakes.isEmpty && server.log.now.bytes.isEmpty)
    await server.close()
  }

  @Test func hangingUpInTheHandshakeIsAnError() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let client = try await Client(nil, port: server.port)
    client.send("\u{16}\u{3}\u{1}")
    try await client.channel.close()
    #expect(await until { server.log.now.inactive })
    #expect(server.log.now.errors == [.handshake("the peer hung up")])
    await server.close()
  }

  @Test func garbageNeverGetsThrough() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    var random = SplitMix(state: 20_261_122)
    for round in 0..<200 {
      let client = try await Client(nil, port: server.port)
      var bytes = (0..<Int.random(in: 1...3000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Half of them begin like a record, so that they get further: type, version, then a length.
      if round % 2 == 0 {
        bytes.replaceSubrange(0..<min(3, bytes.count), with: [[20, 21, 22, 23][round / 2 % 4], 3, 3])
      }
      try? await client.channel.writeAndFlush(ByteBuffer(bytes: bytes))
      try? await client.channel.close()
    }
    #expect(await until { server.log.now.errors.count >= 200 })
    #expect(server.log.now.handshakes.isEmpty && server.log.now.bytes.isEmpty)
    let client = try await Client(home.client(), port: server.port)
    client.send("still here")
    #expect(await until { client.log.now.count == 10 })
    try await client.channel.close()
    await server.close()
  }

  @Test func aDamagedRecordEndsTheConnection() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let client = try await Client(home.client(), port: server.port)
    client.send("good\n")
    #expect(await until { client.log.now.count == 5 })
    try await client.channel.triggerUserOutboundEvent(Wire.Damage()).get()
    client.send("bad\n")
    #expect(await until { client.log.now.inactive && server.log.now.inactive })
    #expect(server.log.now.bytes == Array("good\n".utf8))
    #expect(server.log.now.errors == [.connection("decryption failed or bad record mac")])
    #expect(client.log.now.errors == [.connection("sslv3 alert bad record mac")])
    await server.close()
  }

  @Test func closingTwiceOrEarlyOrWritingLateIsHarmless() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let context = try home.client()
    for _ in 0..<20 {
      let client = try await Client(context, port: server.port)
      async let first: Void = client.channel.close()
      async let second: Void = client.channel.close()
      _ = try? await (first, second)
      await #expect(throws: (any Error).self) { try await client.channel.writeAndFlush(ByteBuffer(string: "late")) }
      #expect(await until { client.log.now.inactive })
    }
    let client = try await Client(context, port: server.port)
    client.send("x")
    #expect(await until { client.log.now.count == 1 })
    let results = try await client.channel.eventLoop.submit { [channel = client.channel] in
      [
        channel.close(), channel.close(), channel.writeAndFlush(ByteBuffer(string: "late")),
        channel.close(mode: .output),
      ]
    }.get()
    try await results[0].get()
    _ = try? await results[1].get()
    await #expect(throws: (any Error).self) { try await results[2].get() }
    _ = try? await results[3].get()
    #expect(await until { server.log.now.inactive })
    await server.close()
  }
}
