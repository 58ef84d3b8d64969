import Foundation
import RouseTLS
import TestPeers
import Testing

/// New certificates for a home.
@Suite struct RenewTests {
  private static func renew(_ home: String, _ options: String...) throws -> ServerProcess.Ended {
    try ServerProcess.run("rouse-server", ["renew", home] + options)
  }

  private static func bytes(_ file: String) throws -> Data { try Data(contentsOf: URL(filePath: file)) }

  private static func mode(_ file: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
  }

  @Test func runningServerTakesThemAndOldClientsGetIn() throws {
    let server = try ServerProcess()
    let tls = server.home.appending(path: "tls").path
    let names = ["ca.pem", "client.pem", "client.key"]
    for name in names { try Self.bytes("\(tls)/\(name)").write(to: server.home.appending(path: "old-\(name)")) }
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: tls + "/server.key")
    let before = try CertificateChain(file: tls + "/server.pem").facts[0]

    let done = try Self.renew(server.home.path)
    #expect(done.code == 0, "\(done.error)")
    #expect(String(decoding: done.output, as: UTF8.self).contains("a new authority; still trusted: Rouse private CA "))
    let after = try CertificateChain(file: tls + "/server.pem").facts[0]
    #expect(
      after.issuer != before.issuer && after.dnsNames == before.dnsNames && after.ipAddresses == before.ipAddresses)
    #expect(try CertificateChain(file: tls + "/ca.pem").facts.count == 2)
    #expect(try Self.mode(tls + "/server.key") == 0o640)
    #expect(try Self.mode(tls + "/client.key") == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: tls).count == 5)

    #expect(server.waitForLog("certificates reloaded"))
    let address = ["--server", "127.0.0.1:\(server.port)"]
    #expect(try ClientRun(["info", "--profile", server.profile()]).output.contains("operator"))
    let old = server.home.path + "/old-"
    let oldClient = try ClientRun(
      ["info", "--ca", tls + "/ca.pem", "--cert", old + "client.pem", "--key", old + "client.key"] + address)
    #expect(oldClient.code == 0 && oldClient.output.contains("operator"), "\(oldClient.error)")
    // Who knows only the old authority does not know the server any more; hence --announce.
    #expect(try ClientRun(["ping", "--ca", old + "ca.pem"] + address).code == 4)
  }

  @Test func announcedFirst() throws {
    let server = try ServerProcess()
    let tls = server.home.appending(path: "tls").path
    let served = try Self.bytes(tls + "/server.pem")
    let old = try Self.bytes(tls + "/ca.pem")
    let announced = try Self.renew(server.home.path, "--announce")
    #expect(announced.code == 0, "\(announced.error)")
    #expect(try Self.bytes(tls + "/server.pem") == served)
    #expect(try Self.mode(tls + "/next/server.key") == 0o600)
    #expect(try Self.renew(server.home.path, "--announce").code == 2)
    // What is handed out knows both.
    let handedOut = server.home.appending(path: "handed-out.pem")
    try Self.bytes(tls + "/ca.pem").write(to: handedOut)
    #expect(try Self.bytes(tls + "/ca.pem") != old)
    let ping = ["ping", "--server", "127.0.0.1:\(server.port)", "--ca", handedOut.path]
    #expect(try ClientRun(ping).code == 0)
    #expect(server.waitForLog("certificates reloaded"))

    let done = try Self.renew(server.home.path)
    #expect(done.code == 0, "\(done.error)")
    #expect(try Self.bytes(tls + "/server.pem") != served)
    #expect(try Self.bytes(tls + "/ca.pem") == Self.bytes(handedOut.path))
    #expect(!FileManager.default.fileExists(atPath: tls + "/next"))
    #expect(server.waitForLog("certificates reloaded", times: 2))
    #expect(try ClientRun(ping).code == 0)
    #expect(try ClientRun(["info", "--profile", server.profile()]).output.contains("operator"))
  }

  @Test func onlyWhenItIsTime() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let home = folder.appending(path: "home").path
    _ = try ServerProcess.run("rouse-server", ["init", home])
    let before = try Self.bytes(home + "/tls/server.pem")
    let early = try Self.renew(home, "--within", "20")
    #expect(early.code == 0 && String(decoding: early.output, as: UTF8.self).hasPrefix("nothing to do: "))
    #expect(try Self.bytes(home + "/tls/server.pem") == before)
    #expect(try Self.renew(home, "--within", "91").code == 0)
    #expect(try Self.bytes(home + "/tls/server.pem") != before)
    #expect(try Self.renew(home, "--within", "-1").code == 2)
  }

  /// An authority of somebody else beside ours stays, with the clients that it vouches for, even when it has ended.
  @Test func othersAuthoritiesStay() throws {
    let server = try ServerProcess()
    let ca = server.tls("ca.pem")
    let (others, ended) = (
      try TestAuthority("Clients"), try TestAuthority("Old clients") { ($0.begins, $0.ends) = (-7200, -3600) }
    )
    try (Self.bytes(ca) + Data(others.certificate.pem) + Data(ended.certificate.pem)).write(to: URL(filePath: ca))
    let done = try Self.renew(server.home.path)
    #expect(done.code == 0, "\(done.error)")
    let facts = try CertificateChain(file: ca).facts
    #expect(facts.map(\.subject).suffix(2) == ["CN=Clients", "CN=Old clients"] && facts.count == 4)
    let text = String(decoding: done.output, as: UTF8.self)
    #expect(text.contains(", Clients until ") && !text.contains("CN="), "\(text)")
    #expect(server.waitForLog("certificates reloaded"))
    let client = try OddClient(port: server.port, .init { $0.certificate = try? others.issue() })
    #expect(client.ask("{\"op\":\"info\"}").text.contains("operator"))
    #expect(try ClientRun(["info", "--profile", server.profile()]).output.contains("operator"))
  }

  /// Others' certificates are not ours to replace.
  @Test(arguments: ["ca.pem", "server.pem", "client.pem"]) func foreignOnesAreRefused(_ name: String) throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let homes = ["home", "other"].map { folder.appending(path: $0).path }
    for home in homes { _ = try ServerProcess.run("rouse-server", ["init", home]) }
    try Self.bytes("\(homes[1])/tls/\(name)").write(to: URL(filePath: "\(homes[0])/tls/\(name)"))
    let key = try Self.bytes(homes[0] + "/tls/server.key")
    let refused = try Self.renew(homes[0])
    #expect(refused.code == 2 && refused.output.isEmpty)
    #expect(refused.error.contains("nothing was renewed") && refused.error.split(separator: "\n").count == 1)
    #expect(try Self.bytes(homes[0] + "/tls/server.key") == key)
    #expect(try Self.renew(folder.path).code == 2)
  }
}
