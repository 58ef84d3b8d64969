import COpenSSL
import Foundation
import TestPeers
import Testing

/// Whom the daemon lets in by certificate: exactly the valid one gets a role, and every other learns why not, by the alert
/// that stands for it or by a coded answer.
@Suite(.serialized) struct CertificateMatrixTests {
  private enum Ending: Equatable {
    case role
    case unauthenticated
    case alert(Alert)
    case other(String)
  }

  private static func ending(_ answer: (text: String, outcome: OddClient.Outcome)) -> Ending {
    switch answer.outcome {
    case .done where answer.text.contains(#""identity":"operator","roles":["score","record","tune","admin"]"#): .role
    case .done where answer.text.contains(#""code":"unauthenticated""#): .unauthenticated
    case .alert(let alert): .alert(alert)
    default: .other("\(answer)")
    }
  }

  private struct Case {
    let name: String
    let certificate: TestCertificate?
    var chain: [TestCertificate] = []
    let ending: Ending
  }

  /// The daemon's authority of clients, one below it, and certificates of every kind.
  private struct Cast {
    let authority: TestAuthority
    let between: TestAuthority
    var list: [UInt8]
    var cases: [Case] = []

    init() throws {
      authority = try TestAuthority("Clients")
      between = try TestAuthority("Clients 2", under: authority)
      let ended = try TestAuthority("Clients 3", under: authority) { ($0.begins, $0.ends) = (-7200, -3600) }
      let stranger = try TestAuthority("Clients")
      let short = try TestAuthority("Clients 4", under: authority) { $0.constraints = "critical,CA:TRUE,pathlen:0" }
      let long = try TestAuthority("Clients 5", under: short)
      let valid = try authority.issue()
      let revoked = try authority.issue()
      list =
        try authority.revocationList(of: [revoked]) + between.revocationList() + ended.revocationList()
        + short.revocationList() + long.revocationList()
      func add(_ name: String, _ certificate: TestCertificate?, _ ending: Ending, chain: [TestAuthority] = []) {
        cases.append(Case(name: name, certificate: certificate, chain: chain.map(\.certificate), ending: ending))
      }
      func alert(
        _ name: String, _ alert: Alert, by issuer: TestAuthority? = nil, _ wish: (inout TestAuthority.Wish) -> Void
      ) throws {
        add(name, try (issuer ?? authority).issue(wish), .alert(alert), chain: issuer.map { [$0] } ?? [])
      }
      add("valid", valid, .role)
      add("valid, by an intermediate", try between.issue(), .role, chain: [between])
      add("none", nil, .unauthenticated)
      try alert("expired", .certificateExpired) { ($0.begins, $0.ends) = (-7200, -3600) }
      try alert("not yet valid", .badCertificate) { ($0.begins, $0.ends) = (3600, 7200) }
      try alert("of another authority of the same name", .unknownCA, by: stranger) { _ in }
      add("self-signed", try TestAuthority.selfSigned(), .alert(.unknownCA))
      add("revoked", revoked, .alert(.certificateRevoked))
      try alert("for servers", .unsupportedCertificate) { $0.usage = "serverAuth" }
      try alert("not for signing", .unsupportedCertificate) { $0.keyUsage = "critical,keyEncipherment" }
      add("of an unknown name", try authority.issue { $0.alternativeNames = "DNS:someone" }, .unauthenticated)
      add("without a name", try authority.issue { $0.alternativeNames = nil }, .unauthenticated)
      // operator NUL .evil
      let smuggled = "DER:30:10:82:0e:6f:70:65:72:61:74:6f:72:00:2e:65:76:69:6c"
      try alert("of a name with a NUL", .badCertificate) { $0.alternativeNames = smuggled }
      add(
        "with the key of another", try valid.shown(by: valid.key.withPrivateHalf(of: revoked.key)),
        .alert(.decryptError))
      add("damaged", try valid.damaged(), .alert(.decryptError))
      try alert("of a weak key", .badCertificate) { $0.key = .rsa(bits: 1024) }
      try alert("of a weak signature", .badCertificate) { $0.signedWithSHA1 = true }
      try alert("an authority's", .unsupportedCertificate) {
        $0.constraints = "critical,CA:TRUE"
        $0.keyUsage = "critical,digitalSignature,keyCertSign"
      }
      try alert("issued by a client", .unknownCA, by: TestAuthority(misusing: valid)) { _ in }
      try alert("by an intermediate that has expired", .certificateExpired, by: ended) { _ in }
      add("too far from the authority", try long.issue(), .alert(.unknownCA), chain: [long, short])
    }
  }

  private static func daemon(_ cast: Cast, in folder: URL, _ change: @escaping (String) -> String = { $0 }) throws
    -> ServerProcess
  {
    let (ca, crl) = (folder.appending(path: "clients.pem"), folder.appending(path: "clients.crl"))
    try Data(cast.authority.certificate.pem).write(to: ca)
    try Data(cast.list).write(to: crl)
    return try ServerProcess(configure: {
      change(
        $0.replacing("client_ca: tls/ca.pem", with: "client_ca: \(ca.path)\n  client_crl: \(crl.path)"))
    })
  }

  @Test(arguments: [TLS1_3_VERSION, TLS1_2_VERSION]) func matrix(version: Int32) throws {
    let cast = try Cast()
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = try Self.daemon(cast, in: folder) {
      $0.replacing("minimum_version: \"1.3\"", with: "minimum_version: \"1.2\"")
    }
    #expect(cast.cases.filter { $0.ending == .role }.count == 2)
    for peer in cast.cases {
      let client = try OddClient(
        port: server.port,
        .init {
          $0.certificate = peer.certificate
          $0.chain = peer.chain
          $0.versions = version...version
        })
      let ending = Self.ending(client.ask("{\"op\":\"info\"}"))
      #expect(ending == peer.ending, "\(peer.name)")
    }
    #expect(server.isRunning)
  }

  /// TLS 1.3 has no signatures for these, so no certificate is sent; a server that asks for one at all costs says so.
  @Test(arguments: [nil, .p192, .secp256k1] as [TestKey.Kind?]) func required(key: TestKey.Kind?) throws {
    let cast = try Cast()
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let certificate = try key.map { kind in try cast.authority.issue { $0.key = kind } }
    let options = OddClient.Options { $0.certificate = certificate }
    for (word, ending) in [("requested", Ending.unauthenticated), ("required", .alert(.certificateRequired))] {
      let server = try Self.daemon(cast, in: folder) {
        $0.replacing("client_certificate: requested", with: "client_certificate: \(word)")
      }
      let answer = try OddClient(port: server.port, options).ask("{\"op\":\"info\"}")
      #expect(Self.ending(answer) == ending)
    }
  }

  /// Authorities as people make them, without what the standard wants beyond what matters here.
  @Test func homemadeAuthoritiesAreGood() throws {
    let authority = try TestAuthority("Homemade") {
      $0.keyUsage = nil
      $0.constraints = "CA:TRUE"
      $0.hasKeyIdentifiers = false
    }
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let ca = folder.appending(path: "clients.pem")
    try Data(authority.certificate.pem).write(to: ca)
    let server = try ServerProcess(configure: { $0.replacing("client_ca: tls/ca.pem", with: "client_ca: \(ca.path)") })
    let certificate = try authority.issue {
      ($0.keyUsage, $0.usage, $0.constraints) = (nil, nil, nil)
      $0.hasKeyIdentifiers = false
    }
    let client = try OddClient(port: server.port, .init { $0.certificate = certificate })
    #expect(Self.ending(client.ask("{\"op\":\"info\"}")) == .role)
  }

  // MARK: - The list of the configuration

  @Test(arguments: [
    ("client_crl: none.pem", "cannot read the revocation list"), ("client_crl: tls/ca.pem", "holds no revocation list"),
    ("client_crl: old.pem\n  client_certificate: none", "none are asked for"),
  ])
  func mistakesAreClear(_ setting: String, _ words: String) throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let home = folder.appending(path: "home").path
    _ = try ServerProcess.run("rouse-server", ["init", home])
    let text = try String(contentsOfFile: home + "/server.yaml", encoding: .utf8)
    try text.replacing("client_certificate: requested", with: "").replacing("# client_crl: tls/crl.pem", with: setting)
      .write(toFile: home + "/server.yaml", atomically: true, encoding: .utf8)
    let checked = try ServerProcess.run("rouse-server", ["check", "--config", home + "/server.yaml"])
    #expect(checked.code == 2 && checked.error.split(separator: "\n").count == 1, "\(checked.error)")
    #expect(checked.error.contains(words), "\(checked.error)")
  }

  @Test func aListThatHasEndedIsToldAtStartAndCheck() throws {
    var cast = try Cast()
    cast.list = try cast.authority.revocationList(begins: -7200, ends: -3600)
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = try Self.daemon(cast, in: folder)
    let words = "the revocation list of 'CN=Clients' ended on "
    server.waitForLog(words)
    #expect(server.logText.contains(words), "\(server.logText)")
    let checked = try ServerProcess.run(
      "rouse-server", ["check", "--config", server.home.appending(path: "server.yaml").path])
    #expect(
      checked.code == 0 && checked.error.contains("warning: ") && checked.error.contains(words), "\(checked.error)")
  }
}
