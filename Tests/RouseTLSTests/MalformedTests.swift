import COpenSSL
import RouseTLS
import TestPeers
import Testing

/// Handshakes and records that are wrong: each is answered by the alert that says how, before the connection is closed.
@Suite(.serialized, .timeLimit(.minutes(15))) struct MalformedTests {
  private static let shares = ClientHello.shares
  private static let hello = ClientHello()

  private static func edited(_ change: (inout ClientHello) -> Void) -> [UInt8] { ClientHello(change).record }

  /// Before there are keys: bytes, and the alert.
  private static let beginnings: [(name: String, bytes: [UInt8], alert: Alert)] = [
    ("HTTP", Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), .unexpectedMessage),
    ("HTTP proxy", Array("CONNECT localhost:443 HTTP/1.1\r\n\r\n".utf8), .unexpectedMessage),
    ("our protocol in the clear", Array("{\"op\":\"ping\"}\n".utf8), .unexpectedMessage),
    ("zeros", [UInt8](repeating: 0, count: 1000), .unexpectedMessage),
    ("an unknown record", ClientHello.record(99, hello.message), .unexpectedMessage),
    ("application data first", ClientHello.record(23, hello.message), .unexpectedMessage),
    ("a change of ciphers first", ClientHello.record(20, [1]) + hello.record, .unexpectedMessage),
    ("a record of another protocol", ClientHello.record(22, hello.message, version: 0x0201), .unexpectedMessage),
    ("a record too long", [22, 3, 1, 0x48, 0x01] + [UInt8](repeating: 1, count: 0x4801), .recordOverflow),
    ("a flood of nothing", (0..<40).flatMap { _ in ClientHello.record(22, []) }, .unexpectedMessage),
    ("a flood of warnings", (0..<10).flatMap { _ in ClientHello.record(21, [1, 90]) }, .unexpectedMessage),
    ("a server's hello", ClientHello.record(22, [2] + hello.message.dropFirst()), .unexpectedMessage),
    (
      "an end before the beginning", ClientHello.record(22, ClientHello.message(20, [UInt8](repeating: 0, count: 32))),
      .unexpectedMessage
    ),
    (
      "a message too long", ClientHello.record(22, [1, 0xFF, 0xFF, 0xFF] + hello.message.dropFirst(4)),
      .illegalParameter
    ),
    (
      "a message that says it is shorter",
      {
        var message = hello.message
        message[3] -= 7
        return ClientHello.record(22, message)
      }(), .decodeError
    ),
    ("no message", ClientHello.record(22, ClientHello.message(1, [])), .decodeError),
    (
      "half a message", ClientHello.record(22, ClientHello.message(1, Array(hello.message.dropFirst(4).prefix(60)))),
      .decodeError
    ),
    ("TLS 1.2 at most", edited { $0.set(ClientHello.versions, nil) }, .protocolVersion),
    (
      "TLS 1.0 at most",
      edited {
        $0.legacyVersion = 0x0301
        $0.set(ClientHello.versions, nil)
      }, .protocolVersion
    ),
    ("a version that does not exist", edited { $0.set(ClientHello.versions, [2, 0x7F, 0x1C]) }, .protocolVersion),
    ("no common cipher", edited { $0.suites = [0x13FF] }, .handshakeFailure),
    (
      "no common group",
      edited {
        $0.set(ClientHello.groups, [0, 2, 0, 0x19])
        $0.set(shares, [0, 0])
      }, .handshakeFailure
    ),
    ("no common signature", edited { $0.set(ClientHello.signatures, [0, 2, 0x08, 0x07]) }, .handshakeFailure),
    ("compression", edited { $0.compressions = [0, 1] }, .illegalParameter),
    ("an extension twice", edited { $0.extensions.append($0.extensions[1]) }, .illegalParameter),
    ("no signatures", edited { $0.set(ClientHello.signatures, nil) }, .missingExtension),
    ("no groups", edited { $0.set(ClientHello.groups, nil) }, .missingExtension),
    ("no shares", edited { $0.set(shares, nil) }, .missingExtension),
    ("an extension cut short", edited { $0.set(ClientHello.groups, [0, 4, 0]) }, .decodeError),
    ("a session id too long", edited { $0.session = [UInt8](repeating: 1, count: 33) }, .decodeError),
    (
      "a share of zeros", edited { $0.set(shares, ClientHello.share(0x1D, [UInt8](repeating: 0, count: 32))) },
      .illegalParameter
    ),
    ("a share too short", edited { $0.set(shares, ClientHello.share(0x1D, [1, 2, 3])) }, .illegalParameter),
    (
      "a share of no point", edited { $0.set(shares, ClientHello.share(0x17, [4] + [UInt8](repeating: 1, count: 64))) },
      .illegalParameter
    ),
    ("a share at infinity", edited { $0.set(shares, ClientHello.share(0x17, [0])) }, .illegalParameter),
    (
      "a share that was not offered",
      edited { $0.set(shares, ClientHello.share(0x18, [UInt8](repeating: 4, count: 97))) }, .illegalParameter
    ),
    ("two hellos in one record", ClientHello.record(22, hello.message + hello.message), .unexpectedMessage),
    (
      "an old hello", [0x80, 0x2E, 1, 3, 3, 0, 0x15, 0, 0, 0, 0x10] + [UInt8](repeating: 1, count: 37), .protocolVersion
    ),
    ("an alert that is none", ClientHello.record(21, [3, 0]), .unexpectedMessage),
    ("half an alert", ClientHello.record(21, [2]), .unexpectedMessage),
  ]

  @Test func beginnings() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    for (name, bytes, alert) in Self.beginnings {
      let socket = try OddSocket(port: server.port)
      socket.send(bytes)
      let (alerts, end) = socket.receiveAlerts()
      #expect(alerts == [alert] && end == .end, "\(name): \(alerts), \(end)")
    }
    #expect(server.log.now.handshakes.isEmpty && server.log.now.bytes.isEmpty)
    await server.close()
  }

  /// Wrong too, and which alert says so best is a matter of opinion.
  @Test(arguments: [
    edited { $0.set(ClientHello.versions, [0]) }, edited { $0.suites = [] }, edited { $0.compressions = [1] },
  ]) func anyAlertWillDo(bytes: [UInt8]) async throws {
    let server = try await Server(TestHome().server())
    let socket = try OddSocket(port: server.port)
    socket.send(bytes)
    let (alerts, end) = socket.receiveAlerts()
    #expect(alerts.count == 1 && end == .end)
    await server.close()
  }

  /// A peer that hangs up, says goodbye or gives up itself is not answered, and not waited for.
  @Test func whoLeavesIsNotHeld() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let whole = Self.hello.record
    for bytes in [Array(whole.prefix(3)), Array(whole.prefix(100)), [], whole] {
      let socket = try OddSocket(port: server.port)
      socket.send(bytes)
      socket.finish()
      let (alerts, end) = socket.receiveAlerts()
      #expect(alerts.isEmpty && end == .end, "\(alerts), \(end)")
    }
    // Before a hello, amid one, and where the rest of the handshake should come.
    let half = ClientHello.record(22, Array(Self.hello.message.prefix(60)))
    for alert in [[1, 0], [2, 0], [2, 40]] as [[UInt8]] {
      for before in [[], half, whole] {
        let socket = try OddSocket(port: server.port)
        socket.send(before + ClientHello.record(21, alert))
        let end = socket.receiveAlerts().end
        #expect(end == .end, "\(alert) after \(before.count) bytes: \(end)")
      }
    }
    await server.close()
  }

  // MARK: - With keys

  private static func options(_ version: Int32 = TLS1_3_VERSION) -> OddClient.Options {
    .init {
      $0.versions = version...version
      $0.suites = "TLS_AES_128_GCM_SHA256"
    }
  }

  private static func changeOfCiphers(_ body: [UInt8]) -> [UInt8] { ClientHello.record(20, body, version: 0x0303) }

  /// The rest of the client's handshake is replaced. The server's answer is encrypted for a client that has finished.
  private static let finishes: [(name: String, damage: @Sendable ([UInt8]) -> [UInt8], alert: Alert)] = [
    ("a bit is wrong", { $0.dropLast() + [($0.last ?? 0) ^ 1] }, .badRecordMAC),
    (
      "in the clear", { _ in ClientHello.record(22, ClientHello.message(20, [UInt8](repeating: 1, count: 32))) },
      .unexpectedMessage
    ),
    ("a second hello", { _ in hello.record }, .unexpectedMessage),
    ("another change of ciphers", { _ in changeOfCiphers([2]) }, .illegalParameter),
    ("a change of ciphers of two", { _ in changeOfCiphers([1, 1]) }, .illegalParameter),
    (
      "a flood of changes of ciphers", { _ in (0..<40).flatMap { _ in changeOfCiphers([1]) } },
      .unexpectedMessage
    ),
    ("too long", { _ in [23, 3, 3, 0x41, 0x01] + [UInt8](repeating: 1, count: 0x4101) }, .recordOverflow),
    ("too short", { _ in [23, 3, 3, 0, 5, 1, 2, 3, 4, 5] }, .badRecordMAC),
    ("an unknown record", { [99] + $0.dropFirst() }, .unexpectedMessage),
    ("another version", { [$0[0], 2] + $0.dropFirst(2) }, .protocolVersion),
  ]

  @Test func finishes() async throws {
    let server = try await Server(TestHome().server())
    for (name, damage, alert) in Self.finishes {
      let client = try OddClient(port: server.port, Self.options())
      var flight = 0
      client.damage = { bytes in
        flight += 1
        return flight == 2 ? damage(bytes) : bytes
      }
      let answer = client.ask("hello")
      #expect(answer.outcome == .alert(alert), "\(name): \(answer)")
    }
    #expect(server.log.now.handshakes.isEmpty && server.log.now.bytes.isEmpty)
    await server.close()
  }

  typealias Write = @Sendable (inout RecordWriter) throws -> [UInt8]

  private static let records: [(name: String, write: Write, alert: Alert)] = [
    ("a bit is wrong", { try $0.record(23, [1, 2, 3]).dropLast() + [0] }, .badRecordMAC),
    (
      "one is missing",
      {
        _ = try $0.record(23, [1])
        return try $0.record(23, [2])
      }, .badRecordMAC
    ),
    ("too long", { _ in [23, 3, 3, 0x41, 0x01] + [UInt8](repeating: 1, count: 0x4101) }, .recordOverflow),
    ("too long inside", { try $0.record(23, [UInt8](repeating: 1, count: 16385)) }, .recordOverflow),
    ("nothing but padding", { try $0.record(nil, [0, 0, 0]) }, .unexpectedMessage),
    ("an unknown kind", { try $0.record(99, [1]) }, .unexpectedMessage),
    ("a change of ciphers inside", { try $0.record(20, [1]) }, .unexpectedMessage),
    ("a change of ciphers", { _ in changeOfCiphers([1]) }, .unexpectedMessage),
    ("a record in the clear", { _ in ClientHello.record(22, hello.message) }, .unexpectedMessage),
    ("a message without content", { try $0.record(22, []) }, .unexpectedMessage),
    ("an alert without content", { try $0.record(21, []) }, .unexpectedMessage),
    ("half an alert", { try $0.record(21, [2]) }, .unexpectedMessage),
    ("a hello", { try $0.record(22, hello.message) }, .unexpectedMessage),
    ("an end", { try $0.record(22, ClientHello.message(20, [UInt8](repeating: 0, count: 32))) }, .unexpectedMessage),
    ("a ticket", { try $0.record(22, ClientHello.message(4, [UInt8](repeating: 0, count: 20))) }, .unexpectedMessage),
    ("a certificate unasked", { try $0.record(22, ClientHello.message(11, [0, 0, 0, 0])) }, .unexpectedMessage),
    ("a certificate request", { try $0.record(22, ClientHello.message(13, [0, 0, 0])) }, .unexpectedMessage),
    ("an unknown message", { try $0.record(22, ClientHello.message(77, [])) }, .unexpectedMessage),
    ("a wrong update of keys", { try $0.record(22, ClientHello.message(24, [2])) }, .illegalParameter),
    (
      "an update of keys and more", { try $0.record(22, ClientHello.message(24, [0]) + ClientHello.message(24, [0])) },
      .unexpectedMessage
    ),
    ("half a message, then bytes", { try $0.record(22, [24, 0, 0]) + $0.record(23, [1]) }, .unexpectedMessage),
    (
      "a message too long", { try $0.record(22, [24, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 100)) },
      .illegalParameter
    ),
    ("a flood of nothing", { writer in try (0..<40).flatMap { _ in try writer.record(23, []) } }, .unexpectedMessage),
    (
      "a flood of padding", { writer in try (0..<40).flatMap { _ in try writer.record(23, [], padding: 500) } },
      .unexpectedMessage
    ),
    (
      "a flood of warnings", { writer in try (0..<10).flatMap { _ in try writer.record(21, [1, 90]) } },
      .unexpectedMessage
    ),
  ]

  @Test func records() async throws {
    let server = try await Server(TestHome().server(), .echo)
    for (name, write, alert) in Self.records {
      let client = try OddClient(port: server.port, Self.options())
      #expect(client.handshake() == .done)
      var writer = try client.recordWriter()
      client.socket.send(try write(&writer))
      let answer = client.read()
      #expect(answer.outcome == .alert(alert), "\(name): \(answer)")
    }
    #expect(server.log.now.bytes.isEmpty)
    // And what is as it should be is taken, however odd it looks.
    let client = try OddClient(port: server.port, Self.options())
    #expect(client.handshake() == .done)
    var writer = try client.recordWriter()
    client.socket.send(try writer.record(23, []) + writer.record(23, Array("hello".utf8), padding: 1000))
    #expect(client.read().text == "hello")
    await server.close()
  }

  // MARK: - TLS 1.2

  private func lenient() async throws -> Server {
    let home = try TestHome()
    var settings = home.serverSettings()
    settings.minimumVersion = .tls12
    return try await Server(TLSServerContext(settings), .echo)
  }

  @Test func renegotiationIsDeclined() async throws {
    let server = try await lenient()
    let client = try OddClient(port: server.port, Self.options(TLS1_2_VERSION))
    #expect(client.ask("hello").text == "hello\n")
    #expect(client.renegotiate() == .alert(.noRenegotiation))
    await server.close()
  }

  private static let oldFinishes: [(name: String, damage: @Sendable ([UInt8]) -> [UInt8], alert: Alert)] = [
    ("a bit is wrong", { $0.dropLast() + [($0.last ?? 0) ^ 1] }, .badRecordMAC),
    ("a change of ciphers before the keys", { _ in changeOfCiphers([1]) }, .unexpectedMessage),
    ("another hello", { _ in ClientHello.record(22, hello.message, version: 0x0303) }, .unexpectedMessage),
    ("bytes in the clear", { _ in ClientHello.record(23, [1], version: 0x0303) }, .unexpectedMessage),
    ("a record too long", { _ in [22, 3, 3, 0x48, 0x01] + [UInt8](repeating: 1, count: 0x4801) }, .recordOverflow),
  ]

  @Test func oldFinishes() async throws {
    let server = try await lenient()
    for (name, damage, alert) in Self.oldFinishes {
      let client = try OddClient(port: server.port, Self.options(TLS1_2_VERSION))
      var flight = 0
      client.damage = { bytes in
        flight += 1
        return flight == 2 ? damage(bytes) : bytes
      }
      let answer = client.ask("hello")
      #expect(answer.outcome == .alert(alert), "\(name): \(answer)")
    }
    await server.close()
  }

  @Test func oldRecords() async throws {
    let server = try await lenient()
    for (name, bytes, alert) in [
      ("too long", [23, 3, 3, 0x48, 0x01] + [UInt8](repeating: 1, count: 0x4801), .recordOverflow),
      ("of a wrong MAC", [23, 3, 3, 0, 40] + [UInt8](repeating: 1, count: 40), .badRecordMAC),
      ("in the clear", ClientHello.record(22, Self.hello.message, version: 0x0303), .badRecordMAC),
      ("of another version", [23, 3, 1, 0, 40] + [UInt8](repeating: 1, count: 40), .protocolVersion),
    ] as [(String, [UInt8], Alert)] {
      let client = try OddClient(port: server.port, Self.options(TLS1_2_VERSION))
      #expect(client.handshake() == .done)
      client.socket.send(bytes)
      let answer = client.read()
      #expect(answer.outcome == .alert(alert), "\(name): \(answer)")
    }
    await server.close()
  }

  // MARK: - Certificates

  /// More than 100 KiB of certificates is no chain.
  @Test(arguments: [TLS1_3_VERSION, TLS1_2_VERSION]) func aChainTooLong(version: Int32) async throws {
    let server = try await lenient()
    let authority = try TestAuthority()
    let client = try OddClient(
      port: server.port,
      .init {
        $0.versions = version...version
        $0.certificate = try? authority.issue()
        $0.chain = Array(repeating: authority.certificate, count: 400)
      })
    #expect(client.ask("hello").outcome == .alert(.illegalParameter))
    await server.close()
  }
}
