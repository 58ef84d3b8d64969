import RouseTLS
import TestPeers
import Testing

@Suite(.timeLimit(.minutes(15))) struct RevocationTests {
  private let home: TestHome
  private let authority: TestAuthority

  init() throws {
    home = try TestHome()
    authority = try TestAuthority()
  }

  private func server(_ list: [UInt8]) async throws -> Server {
    try await Server(TLSServerContext(home.serverSettings(clientsOf: authority, list: list)), .echo)
  }

  private func ask(_ server: Server, _ certificate: TestCertificate, chain: [TestCertificate] = []) throws
    -> OddClient.Outcome
  {
    let client = try OddClient(
      port: server.port,
      .init {
        $0.certificate = certificate
        $0.chain = chain
      })
    return client.ask("hello").outcome
  }

  /// The client may know before the server has written it down.
  private func errors(of server: Server) async -> [TLSError] {
    _ = await until { !server.log.now.errors.isEmpty }
    return server.log.now.errors
  }

  @Test func aRevokedCertificateIsRefusedAndTold() async throws {
    let (good, lost) = (try authority.issue(), try authority.issue())
    let server = try await server(authority.revocationList(of: [lost]))
    #expect(try ask(server, lost) == .alert(.certificateRevoked))
    #expect(try ask(server, good) == .done)
    #expect(await errors(of: server).first == .handshake("certificate verify failed: certificate revoked"))
    await server.close()
  }

  /// Whether it is revoked, nobody knows: so it is not let in, and is not told that the fault is its own.
  @Test(
    arguments: [(-7200, -3600, "CRL has expired"), (3600, 7200, "CRL is not yet valid")] as [(Int64, Int64, String)])
  func aListThatIsNotInForceLetsNobodyIn(begins: Int64, ends: Int64, reason: String) async throws {
    let server = try await server(authority.revocationList(begins: begins, ends: ends))
    #expect(try ask(server, authority.issue()) == .alert(.certificateUnknown))
    #expect(await errors(of: server) == [.handshake("certificate verify failed: \(reason)")])
    await server.close()
  }

  @Test func aListWithoutAnEndHolds() async throws {
    let server = try await server(authority.revocationList(ends: nil))
    #expect(try ask(server, authority.issue()) == .done)
    #expect(server.context.now.revocationPeriods.map(\.ends) == [nil])
    await server.close()
  }

  @Test func intermediatesNeedTheirOwnList() async throws {
    let between = try TestAuthority("Test CA 2", under: authority)
    let client = try between.issue()
    let chain = [between.certificate]
    let without = try await server(authority.revocationList())
    #expect(try ask(without, client, chain: chain) == .alert(.certificateUnknown))
    #expect(await errors(of: without) == [.handshake("certificate verify failed: unable to get certificate CRL")])
    await without.close()
    let with = try await server(authority.revocationList() + between.revocationList())
    #expect(try ask(with, client, chain: chain) == .done)
    await with.close()
    let revoked = try await server(authority.revocationList(of: chain) + between.revocationList())
    #expect(try ask(revoked, client, chain: chain) == .alert(.certificateRevoked))
    await revoked.close()
  }

  /// The latest counts, whatever else the file has.
  @Test func anOldListIsNotMissed() async throws {
    let lost = try authority.issue()
    let old = try authority.revocationList(begins: -7200, ends: -3600)
    let server = try await server(old + authority.revocationList(of: [lost]))
    #expect(try ask(server, lost) == .alert(.certificateRevoked))
    #expect(try ask(server, authority.issue()) == .done)
    #expect(server.context.now.revocationPeriods.count == 1)
    await server.close()
  }

  // MARK: - Files

  private func refusal(_ list: [UInt8], authority other: TestAuthority? = nil) throws -> String {
    let settings = try home.serverSettings(clientsOf: other ?? authority, list: list)
    do {
      _ = try TLSServerContext(settings)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test func whatIsNoListIsRefused() throws {
    let file = home.path("crl.pem")
    for (text, reason) in [
      ("", "is empty"), ("hello", "holds no revocation list"),
      ("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "damaged revocation list"),
      (String(repeating: "x", count: 17 << 20), "too large for a revocation list (over 16 MiB)"),
    ] {
      let message = try refusal(Array(text.utf8))
      #expect(message.hasPrefix("\(file): ") && message.contains(reason) && !message.contains("\n"), "\(message)")
    }
    #expect(try refusal(authority.certificate.pem).contains("holds no revocation list"))
  }

  /// Nobody could ever get in: told at once, not by each client.
  @Test func aListOfNobodyIsRefused() throws {
    let other = try TestAuthority("Another CA")
    #expect(try refusal(other.revocationList()).contains("has no revocation list of 'CN=Test CA'"))
    // A list more does no harm.
    #expect(try refusal(other.revocationList() + authority.revocationList()) == "no error")
    let forged = try refusal(authority.revocationList(signedBy: other.certificate.key))
    #expect(forged.contains("the revocation list of 'CN=Test CA' is not signed by the authority of that name"))
    let mute = try TestAuthority("Mute CA") { $0.keyUsage = "critical,keyCertSign" }
    #expect(try refusal(mute.revocationList(), authority: mute).contains("does not allow it to sign revocation lists"))
  }

  // MARK: - Tickets

  private func connect(_ context: TLSClientContext, _ server: Server) async throws -> (resumed: Bool?, error: TLSError?)
  {
    let client = try await Client(context, port: server.port)
    client.send("hello")
    #expect(await until { client.log.now.count == 5 || client.log.now.inactive })
    let seen = client.log.now
    try? await client.channel.close()
    return (seen.handshakes.first?.resumed, seen.errors.first)
  }

  /// A ticket is of one context: after a rotation the certificate is asked for, and looked up, anew.
  @Test func ticketsDoNotOutliveARotation() async throws {
    let certificate = try authority.issue()
    let server = try await server(authority.revocationList())
    let context = try home.client(certificate)
    #expect(try await connect(context, server).resumed == false)
    #expect(try await connect(context, server).resumed == true)
    let next = try home.serverSettings(clientsOf: authority, list: authority.revocationList(of: [certificate]))
    server.context.rotate(to: try TLSServerContext(next))
    let refused = try await connect(context, server)
    #expect(refused.error == .connection("sslv3 alert certificate revoked"))
    #expect(server.log.now.handshakes.map(\.resumed) == [false, true])
    await server.close()
  }

  /// What a peer sends behind its certificate is kept with its session, so there is an end to it.
  @Test func ballastIsNotKept() async throws {
    let certificate = try authority.issue()
    let server = try await server(authority.revocationList())
    for (count, isResumed) in [(2, true), (30, false)] {
      let ballast = try (0..<count).flatMap { _ in try authority.issue().pem }
      let context = try TLSClientContext(
        TLSClientSettings(
          caFile: home.path("ca.pem"), certificateFile: try home.write(certificate.pem + ballast, "long.pem"),
          keyFile: try home.write(certificate.keyPEM, "long.key")))
      #expect(try await connect(context, server).resumed == false)
      #expect(try await connect(context, server).resumed == isResumed)
    }
    await server.close()
  }

  /// Two connections, and a third after the end; what a machine too busy for two before it saw of them does not count.
  private func reason(
    after end: Int64, _ server: Server, _ certificate: TestCertificate
  ) async throws -> TLSError? {
    let context = try home.client(certificate)
    let first = try await connect(context, server).resumed
    let second = try await connect(context, server).resumed
    if TestHome.now < end { #expect(first == false && second == true) }
    try await Task.sleep(for: .seconds(max(0, end - TestHome.now) + 2))
    return try await connect(context, server).error
  }

  /// What the ticket stands for has ended since: the full handshake says so.
  @Test func ticketsDoNotOutliveTheCertificate() async throws {
    let server = try await server(authority.revocationList())
    let end = TestHome.now + 5
    let error = try await reason(after: end, server, authority.issue { $0.ends = 5 })
    #expect(error == .connection("sslv3 alert certificate expired"))
    await server.close()
  }

  @Test func ticketsDoNotOutliveTheList() async throws {
    let end = TestHome.now + 5
    let server = try await server(authority.revocationList(ends: 5))
    let error = try await reason(after: end, server, authority.issue())
    #expect(error == .connection("sslv3 alert certificate unknown"))
    await server.close()
  }
}
