import NIOCore
import RouseTLS
import Testing

@Suite(.timeLimit(.minutes(15))) struct DataTests {
  /// Bytes that are not periodic in any record or buffer size.
  private func bulk(_ count: Int, seed: UInt64) -> ByteBuffer {
    var state = seed
    var buffer = ByteBuffer()
    buffer.reserveCapacity(count)
    for _ in 0..<(count / 8) {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      buffer.writeInteger(state)
    }
    return buffer
  }

  @Test func megabytesBothWaysAtOnce() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .sum)
    let client = try await Client(home.client(), port: server.port, .sum)
    #expect(await until { server.log.now.handshakes.count == 1 && client.log.now.handshakes.count == 1 })
    let down = bulk(4 << 20, seed: 1)
    let up = bulk(4 << 20, seed: 2)
    // One huge write, and the same amount in uneven pieces with a flush now and then.
    let answering = try #require(await accepted(server))
    async let sentDown: Void = answering.writeAndFlush(down)
    var rest = up
    var size = 1
    while let part = rest.readSlice(length: min(size, rest.readableBytes)), part.readableBytes > 0 {
      client.channel.write(part, promise: nil)
      if size % 7 == 0 { client.channel.flush() }
      size = (size * 5 + 3) % 70_001
    }
    try await client.channel.writeAndFlush(ByteBuffer())
    try await sentDown
    #expect(await until { client.log.now.count == 4 << 20 && server.log.now.count == 4 << 20 })
    #expect(client.log.now.checksum == checksum(down))
    #expect(server.log.now.checksum == checksum(up))
    try await client.channel.close()
    await server.close()
  }

  /// The server's end of its only connection.
  private func accepted(_ server: Server) async -> (any Channel)? {
    guard await until({ server.accepted.now.count == 1 }) else { return nil }
    return server.accepted.now.first
  }

  @Test func smallWritesBecomeFewReads() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .listen)
    let client = try await Client(home.client(), port: server.port)
    #expect(await until { client.log.now.handshakes.count == 1 })
    for _ in 0..<200 { client.channel.write(ByteBuffer(string: "0123456789"), promise: nil) }
    client.channel.flush()
    #expect(await until { server.log.now.count == 2000 })
    #expect(server.log.now.reads == 1)
    try await client.channel.close()
    await server.close()
  }

  @Test func aPeerThatDoesNotReadMakesTheChannelUnwritable() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .count, autoRead: false)
    let client = try await Client(home.client(), port: server.port)
    #expect(await until { client.log.now.handshakes.count == 1 && server.log.now.handshakes.count == 1 })
    // Never flushed: the watermark must count these too.
    let part = bulk(65_536, seed: 3)
    var sent = 0
    while sent < 64 << 20,
      try await client.channel.eventLoop.submit({ [channel = client.channel] in channel.isWritable }).get()
    {
      client.channel.write(part, promise: nil)
      sent += part.readableBytes
    }
    #expect(sent < 64 << 20)
    #expect(client.log.now.unwritable > 0)
    // Nothing was asked for, so nothing is delivered; then everything.
    #expect(server.log.now.count == 0)
    client.channel.flush()
    let answering = try #require(await accepted(server))
    try await answering.setOption(.autoRead, value: true).get()
    #expect(await until { server.log.now.count == sent })
    #expect(await until { client.channel.isWritable })
    try await client.channel.close()
    await server.close()
  }

  @Test func oneReadDeliversOnce() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .listen, autoRead: false)
    // The first line comes in one piece with the end of the handshake.
    let client = try await Client(home.client(), port: server.port, gathers: true)
    client.send("first")
    #expect(await until { server.log.now.handshakes.count == 1 })
    let answering = try #require(await accepted(server))
    try await Task.sleep(for: .milliseconds(100))
    #expect(server.log.now.count == 0)
    answering.read()
    #expect(await until { server.log.now.count == 5 })
    client.send("second")
    try await Task.sleep(for: .milliseconds(100))
    #expect(server.log.now.count == 5)
    answering.read()
    #expect(await until { server.log.now.bytes == Array("firstsecond".utf8) })
    #expect(server.log.now.reads == 2)
    try await client.channel.close()
    await server.close()
  }

  /// A record that comes in two halves takes two reads of the socket, and is still one answer to one `read()`.
  @Test func aReadIsNotLostOnHalfARecord() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .listen, autoRead: false)
    let client = try await Client(home.client(), port: server.port, autoRead: true)
    #expect(await until { client.log.now.handshakes.count == 1 && server.log.now.handshakes.count == 1 })
    let answering = try #require(await accepted(server))
    try await client.channel.triggerUserOutboundEvent(Wire.Halve()).get()
    answering.read()
    client.send("in two halves")
    #expect(await until { server.log.now.bytes == Array("in two halves".utf8) })
    try await client.channel.close()
    await server.close()
  }

  @Test func manyEchoesInOneConnection() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(), .echo)
    let client = try await Client(home.client(), port: server.port)
    var expected: [UInt8] = []
    for round in 0..<500 {
      let text = "line \(round)\n"
      expected += Array(text.utf8)
      client.send(text)
    }
    #expect(await until { client.log.now.bytes == expected })
    try await client.channel.close()
    await server.close()
  }
}
