import Foundation
import Testing

@testable import RouseTLS

@Suite struct FilesTests {
  private func refusal(_ make: () throws -> Any) -> String {
    do {
      _ = try make()
      return "no error"
    } catch TLSError.configuration(let text) {
      return text
    } catch {
      return "another error: \(error)"
    }
  }

  @Test func aMissingFileIsNamed() throws {
    let home = try TestHome()
    var settings = home.serverSettings()
    settings.certificateChainFile = home.path("none.pem")
    #expect(
      refusal { try TLSServerContext(settings) }
        == "\(home.path("none.pem")): cannot read the certificate: No such file or directory; "
        + "give the path of the certificate in PEM form")
    settings = home.serverSettings()
    settings.privateKeyFile = home.directory.path
    #expect(refusal { try TLSServerContext(settings) }.hasSuffix("Is a directory; give a readable PEM file"))
    settings = home.serverSettings()
    settings.clientCAFile = home.path("none.pem")
    #expect(refusal { try TLSServerContext(settings) }.contains("cannot read the CA certificate"))
    settings.clientCAFile = nil
    #expect(refusal { try TLSServerContext(settings) }.contains("no client CA file"))
  }

  @Test func aKeyOfAnotherCertificateIsNamed() throws {
    let home = try TestHome()
    var settings = home.serverSettings()
    settings.privateKeyFile = home.path("client.key")
    let expected =
      "\(home.path("client.key")): the key does not match the certificate \(home.path("server.pem")); "
      + "give the key it was issued for"
    #expect(refusal { try TLSServerContext(settings) } == expected)
  }

  @Test(arguments: [
    ("", "is empty"), ("hello", "holds no"), ("-----BEGIN CERTIFICATE-----\nAAAA\n", "damaged certificate"),
    ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged certificate"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no certificate"),
    (String(repeating: "x", count: 2_000_000), "too large"),
  ])
  func whatIsNoCertificateIsRefused(text: String, reason: String) throws {
    let home = try TestHome()
    let file = try home.write(Array(text.utf8), "odd.pem")
    var settings = home.serverSettings()
    settings.certificateChainFile = file
    let message = refusal { try TLSServerContext(settings) }
    #expect(message.hasPrefix("\(file): "))
    #expect(message.contains(reason))
    #expect(!message.contains("\n"))
    #expect(refusal { try certificateNotAfter(file: file) } == message)
  }

  @Test(arguments: [
    ("hello", "holds no private key"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged private key"),
  ])
  func whatIsNoKeyIsRefused(text: String, reason: String) throws {
    let home = try TestHome()
    var settings = home.serverSettings()
    settings.privateKeyFile = try home.write(Array(text.utf8), "odd.key")
    #expect(refusal { try TLSServerContext(settings) }.contains(reason))
  }

  @Test(.enabled(if: hasOpenSSLCommand)) func aKeyWithPassphraseIsRefusedWithoutAsking() throws {
    let home = try TestHome()
    let made = try run([
      "openssl", "pkey", "-in", home.path("server.key"), "-aes256", "-passout", "pass:secret", "-out",
      home.path("locked.key"),
    ])
    #expect(made.code == 0)
    var settings = home.serverSettings()
    settings.privateKeyFile = home.path("locked.key")
    #expect(refusal { try TLSServerContext(settings) }.contains("has a passphrase"))
  }

  @Test func aClientNeedsBothFilesOrNone() throws {
    let home = try TestHome()
    #expect(
      refusal { try TLSClientContext(TLSClientSettings(certificateFile: home.path("client.pem"))) }
        .contains("needs its key file"))
    #expect(
      refusal { try TLSClientContext(TLSClientSettings(keyFile: home.path("client.key"))) }
        .contains("needs its certificate file"))
    _ = try TLSClientContext(TLSClientSettings())
  }

  @Test func anEndedCertificateStillLoads() throws {
    let start = TestHome.now - 10 * 86400
    let home = try TestHome(now: start, days: 5)
    #expect(try home.server().certificateNotAfter == start + 5 * 86400)
    #expect(try certificateNotAfter(file: home.path("server.pem")) == start + 5 * 86400)
  }

  @Test func namesWithANulNameNobody() throws {
    let home = try TestHome()
    for (text, readable) in [(nulInDNSName, false), (nulInCommonName, false), (everyKindOfName, true)] {
      let file = try PEMFile(home.write(Array(text.utf8), "names.pem"), role: "certificate")
      let certificates = try file.certificates()
      let certificate = try #require(certificates.first)
      let identity = PeerIdentity(certificate: certificate.pointer)
      #expect((identity != nil) == readable)
      guard let identity else { continue }
      #expect(identity.subjectCommonName == nil)
      #expect(identity.dnsNames == ["a.example", "b.example"])
      #expect(identity.uris == ["spiffe://example/ns/score"])
      #expect(identity.emails == ["a@b.example"])
      #expect(identity.ipAddresses == ["10.0.0.1", "2001:db8::1"])
      #expect(identity.subject == "CN=b,CN=a,O=Zo\\C3\\AB\\, Inc")
    }
  }
}
