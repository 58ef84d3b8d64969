import Foundation
import RouseTLS
import TestPeers
import Testing

@testable import RouseServer

/// Connections that are open when what let them in is taken away, and those that never were let in.
@Suite(.ownThreads) struct DepartureTests {
  private static let info = #"{"op":"info"}"# + "\n"

  @Test func onTheSessionMachine() throws {
    let world = try SessionHarness.World(tokens: AccessTests.tokens())
    let (byCertificate, byToken) = (SessionHarness(world), SessionHarness(world, identified: false))
    let (revoked, nobody) = (SessionHarness(world), SessionHarness(world, identified: false))
    byToken.send(AccessTests.auth(AccessTests.token))
    // A stream under way ends too: its line is coded, and what comes behind it is not executed.
    byToken.send("{\"op\":\"score\",\"stream\":true,\"id\":7}\n")
    #expect(![byCertificate, byToken, nobody].contains { $0.recheck() })
    #expect(revoked.recheck(isRevoked: true))
    #expect(revoked.lines.last?.contains("revoked") == true && revoked.session.wantsClose)
    world.change { $0.tokens = Tokens() }
    #expect(byToken.recheck() && !byCertificate.recheck() && !nobody.recheck())
    #expect(byToken.lines.last?.hasPrefix(#"{"id":7,"ok":false,"error":{"code":"unauthenticated""#) == true)
    #expect(byToken.session.wantsClose && !byCertificate.session.wantsClose && !nobody.session.wantsClose)
    world.change { $0.identities = [] }
    #expect(byCertificate.recheck() && byCertificate.session.wantsClose)
    // Roles alone are asked for with each request.
    #expect(!byToken.recheck())
  }

  @Test func aRevokedCertificateLosesItsOpenConnections() async throws {
    let authority = try TestAuthority("Clients")
    let (lost, good) = (try authority.issue(), try authority.issue())
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (ca, crl) = (folder.appending(path: "clients.pem"), folder.appending(path: "clients.crl"))
    try Data(authority.certificate.pem).write(to: ca)
    try Data(authority.revocationList()).write(to: crl)
    let server = try ServerProcess(configure: {
      $0.replacing("client_ca: tls/ca.pem", with: "client_ca: \(ca.path)\n  client_crl: \(crl.path)")
    })
    let clients = try [lost, good].map { certificate in
      try OddClient(port: server.port, .init { $0.certificate = certificate })
    }
    for client in clients { #expect(client.ask(#"{"op":"info"}"#).text.contains(#""ok":true"#)) }
    // A list that has ended tells nothing of anybody: who is in stays.
    try Data(authority.revocationList(begins: -7200, ends: -3600)).write(to: crl, options: .atomic)
    #expect(server.waitForLog("certificates reloaded"))
    for client in clients { #expect(client.ask(#"{"op":"info"}"#).text.contains(#""ok":true"#)) }
    try Data(authority.revocationList(of: [lost])).write(to: crl, options: .atomic)
    #expect(server.waitForLog("connection ended: the certificate is revoked"))
    #expect(clients[0].read().text.contains("the certificate has been revoked"))
    #expect(clients[1].ask(#"{"op":"info"}"#).text.contains(#""ok":true"#))
    #expect(server.logText.components(separatedBy: "connection ended").count == 2)
  }

  @Test func anIdentityThatIsRemovedGoes() async throws {
    let server = try ServerProcess()
    let file = server.home.appending(path: "server.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let (peer, stranger) = (try await server.connect(), try await server.connect(withCertificate: false))
    try await peer.send(Self.info)
    #expect(try await peer.replies(1).last?.contains(#""identity":"operator""#) == true)
    try await stranger.send("{\"op\":\"ping\"}\n")
    #expect(try await stranger.replies(1) == [#"{"ok":true}"#])
    try Data(text.replacing("certificate: dns:operator", with: "certificate: dns:another").utf8).write(
      to: file, options: .atomic)
    #expect(server.waitForLog("connection ended: the identity is gone"), "\(server.logText) \(text)")
    #expect(await peer.lines().last?.contains(#""code":"unauthenticated""#) == true)
    try await stranger.send("{\"op\":\"ping\"}\n")
    #expect(try await stranger.replies(1) == [#"{"ok":true}"#])
  }

  /// Strangers hold all places: who comes takes that of the oldest, until only their share is left.
  @Test func strangersMakeRoom() async throws {
    let server = try ServerProcess(configure: {
      $0.replacing("connections: 1024", with: "connections: 4\n  stranger_connections: 1")
    })
    func ping(_ peer: Peer) async -> Bool {
      do {
        try await peer.send("{\"op\":\"ping\"}\n")
        return try await peer.replies(1) == [#"{"ok":true}"#]
      } catch {
        return false
      }
    }
    var strangers: [Peer] = []
    for _ in 0..<4 {
      strangers.append(try await server.connect(withCertificate: false))
      #expect(await ping(strangers[strangers.count - 1]))
    }
    var known: [Peer] = []
    for _ in 0..<3 {
      let peer = try await server.connect()
      try await peer.send(Self.info)
      #expect(try await peer.replies(1).last?.contains(#""identity":"operator""#) == true)
      known.append(peer)
    }
    for (index, stranger) in strangers.enumerated() { #expect(await ping(stranger) == (index == 3)) }
    // All places but the strangers' share are held by somebody: the next is told that there is no room.
    let next = try await server.connect()
    #expect(await next.lines().last?.contains(#""code":"overloaded""#) == true)
    for peer in known { #expect(await ping(peer)) }
    // A place that is free again is taken as ever.
    await known[0].close()
    let isIn = try await comesTrue { await ping(try await server.connect(withCertificate: false)) }
    #expect(isIn)
  }

  @Test func anErasureIsWrittenDown() async throws {
    let server = try ServerProcess()
    let peer = try await server.connect()
    try await peer.send(
      #"{"op":"load","users":[{"user_id":"anna","registered_at":"2026-02-01T08:00:00Z","sms_ok":true}]}"# + "\n"
        + #"{"op":"erase","user_ids":["anna","nobody"]}"# + "\n")
    let answers = try await peer.replies(2)
    #expect(answers.last?.contains(#""erased":1,"unknown":1"#) == true, "\(answers)")
    let text = try String(contentsOf: server.home.appending(path: "audit.ndjson"), encoding: .utf8)
    let line = try #require(text.split(separator: "\n").last)
    // The home that init makes has a key for pseudonyms: two users, 16 digits each.
    #expect(line.contains(/"users":\["[0-9a-f]{16}","[0-9a-f]{16}"\]/), "\(line)")
    #expect(line.contains(#""event":"users_erased""#) && line.contains(#""erased":1,"unknown":1"#), "\(line)")
    #expect(line.contains(#""by":"identity:operator""#) && !line.contains("anna") && !line.contains("nobody"))
  }
}
