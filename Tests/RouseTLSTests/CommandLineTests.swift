import RouseTLS
import Testing

/// Against another program's TLS: what OpenSSL's own client sees.
@Suite(.enabled(if: hasOpenSSLCommand), .timeLimit(.minutes(15))) struct CommandLineTests {
  private func connect(_ server: Server, _ home: TestHome, _ options: [String], input: String = "") throws -> (
    code: Int32, output: String
  ) {
    try run(
      [
        "timeout", "20", "openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-CAfile", home.path("ca.pem"),
        "-verify_return_error", "-x509_strict",
      ] + options, input: input)
  }

  @Test func tls13ByDefault() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let seen = try connect(server, home, ["-tls1_3", "-alpn", "h2,rouse/1"])
    #expect(seen.code == 0, "\(seen.output)")
    for text in [
      "Verification: OK", "TLSv1.3", "ALPN protocol: rouse/1", "Server Temp Key: X25519", "Compression: NONE",
    ] { #expect(seen.output.contains(text), "\(text) in \(seen.output)") }
    await server.close()
  }

  @Test func anUnknownALPNIsNoError() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    let seen = try connect(server, home, ["-alpn", "h2"])
    #expect(seen.code == 0 && seen.output.contains("No ALPN negotiated"), "\(seen.output)")
    await server.close()
  }

  @Test func tls12OnlyByConfiguration() async throws {
    let home = try TestHome()
    let strict = try await Server(home.server())
    let refused = try connect(strict, home, ["-tls1_2"])
    #expect(refused.code != 0 && refused.output.contains("alert protocol version"), "\(refused.output)")
    await strict.close()
    var settings = home.serverSettings()
    settings.minimumVersion = .tls12
    let lenient = try await Server(TLSServerContext(settings))
    let taken = try connect(lenient, home, ["-tls1_2"])
    #expect(taken.code == 0, "\(taken.output)")
    #expect(taken.output.contains("Cipher is ECDHE-ECDSA-"))
    #expect(try connect(lenient, home, ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]).code != 0)
    // The server's order counts, unless the client is one that would rather not do AES.
    let (aes128, aes256) = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")
    for (offer, chosen) in [("\(aes256):\(aes128)", aes128), ("ECDHE-ECDSA-CHACHA20-POLY1305:\(aes128)", "CHACHA20")] {
      let seen = try connect(lenient, home, ["-tls1_2", "-cipher", offer])
      #expect(seen.output.contains("Cipher is ") && seen.output.contains(chosen), "\(seen.output)")
    }
    #expect(try connect(lenient, home, ["-tls1_1"]).code != 0)
    await lenient.close()
  }

  /// On TLS 1.2 too a session stands for the certificate that was shown, within one context.
  @Test func sessionsOfTLS12() async throws {
    let home = try TestHome()
    var settings = home.serverSettings(.required)
    settings.minimumVersion = .tls12
    let server = try await Server(TLSServerContext(settings))
    let known = ["-tls1_2", "-cert", home.path("client.pem"), "-key", home.path("client.key")]
    let first = try connect(server, home, known + ["-sess_out", home.path("session")])
    #expect(first.code == 0 && first.output.contains("New, TLSv1.2"), "\(first.output)")
    let second = try connect(server, home, ["-tls1_2", "-sess_in", home.path("session")])
    #expect(second.code == 0 && second.output.contains("Reused, TLSv1.2"), "\(second.output)")
    #expect(server.log.now.handshakes.map(\.resumed) == [false, true])
    #expect(server.log.now.handshakes.map(\.peer?.subjectCommonName) == ["operator", "operator"])
    server.context.rotate(to: try TLSServerContext(settings))
    let third = try connect(server, home, ["-tls1_2", "-sess_in", home.path("session")])
    #expect(third.code != 0 && server.log.now.handshakes.count == 2, "\(third.output)")
    await server.close()
  }

  /// Who was let in without being asked who it is, to be told that the server is full, does not come in by that later.
  @Test(arguments: ["-tls1_2", "-tls1_3"]) func aBriefConnectionIsNotResumed(_ version: String) async throws {
    let home = try TestHome()
    var settings = home.serverSettings(.required)
    settings.minimumVersion = .tls12
    let context = try TLSServerContext(settings)
    let full = try await Server(context, isBrief: true)
    let server = try await Server(context)
    let first = try connect(full, home, [version, "-sess_out", home.path("session")])
    #expect(first.code == 0, "\(first.output)")
    #expect(try connect(server, home, [version, "-sess_in", home.path("session")]).code != 0)
    #expect(server.log.now.handshakes.isEmpty)
    await full.close()
    await server.close()
  }

  @Test func otherGroupsAreRefused() async throws {
    let home = try TestHome()
    let server = try await Server(home.server())
    #expect(try connect(server, home, ["-groups", "P-521"]).code != 0)
    #expect(try connect(server, home, ["-groups", "P-384"]).code == 0)
    await server.close()
  }

  @Test func quietKeepsTalkingUntilItsOwnGoodbye() async throws {
    let home = try TestHome()
    let server = try await Server(home.server(.required), .closeOnFirstByte)
    let seen = try connect(
      server, home, ["-quiet", "-cert", home.path("client.pem"), "-key", home.path("client.key")], input: "hello\n")
    #expect(seen.output.contains("go away\n"), "\(seen.output)")
    #expect(server.log.now.handshakes.first?.peer?.subjectCommonName == "operator")
    await server.close()
  }
}
