import Foundation
import RouseTLS
import Testing

@Suite(.timeLimit(.minutes(15))) struct HomeCertificatesTests {
  @Test(.enabled(if: hasOpenSSLCommand)) func opensslFindsThemStrictlyRight() throws {
    let home = try TestHome()
    for (file, purpose) in [("server.pem", "sslserver"), ("client.pem", "sslclient")] {
      let verified = try run([
        "openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", home.path("ca.pem"), home.path(file),
      ])
      #expect(verified.code == 0, "\(verified.output)")
    }
    for (file, purpose) in [("server.pem", "sslclient"), ("client.pem", "sslserver")] {
      let verified = try run([
        "openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", home.path("ca.pem"), home.path(file),
      ])
      #expect(verified.code != 0)
    }
  }

  @Test(.enabled(if: hasOpenSSLCommand)) func theySayWhatTheyShould() throws {
    let home = try TestHome()
    let server = try run(["openssl", "x509", "-noout", "-text", "-in", home.path("server.pem")]).output
    for text in [
      "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1", "TLS Web Server Authentication", "CA:FALSE",
      "ASN1 OID: prime256v1", "Key Usage: critical", "X509v3 Authority Key Identifier", "X509v3 Subject Key Identifier",
    ] { #expect(server.contains(text), "\(text)") }
    let authority = try run(["openssl", "x509", "-noout", "-text", "-in", home.path("ca.pem")]).output
    for text in ["Basic Constraints: critical", "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign"] {
      #expect(authority.contains(text), "\(text)")
    }
    let client = try run(["openssl", "x509", "-noout", "-text", "-in", home.path("client.pem")]).output
    for text in ["TLS Web Client Authentication", "Subject: CN = operator", "DNS:operator"] {
      #expect(client.contains(text), "\(text)")
    }
    #expect(
      try String(contentsOfFile: home.path("server.key"), encoding: .utf8).hasPrefix("-----BEGIN PRIVATE KEY-----"))
    #expect(try run(["openssl", "pkey", "-noout", "-check", "-in", home.path("client.key")]).code == 0)
  }

  @Test func noTwoAreAlike() throws {
    let first = try HomeCertificates.make(now: TestHome.now, days: 90)
    let second = try HomeCertificates.make(now: TestHome.now, days: 90)
    #expect(first.caPEM != second.caPEM)
    #expect(first.serverKeyPEM != second.serverKeyPEM)
    #expect(first.serverKeyPEM != first.clientKeyPEM)
  }

  @Test(arguments: [
    "a,email:root@b", "a;b", "", "a b", "x\n", "naïve", "@section", String(repeating: "a", count: 65),
  ])
  func namesCannotSmuggle(name: String) {
    #expect(throws: TLSError.self) { try HomeCertificates.make(now: TestHome.now, days: 90, serverNames: [name]) }
  }

  @Test(arguments: ["", "1.2.3", "::1,DNS:x", "localhost", "1.2.3.4\0"])
  func addressesCannotSmuggle(address: String) {
    #expect(throws: TLSError.self) {
      try HomeCertificates.make(now: TestHome.now, days: 90, serverAddresses: [address])
    }
  }

  @Test(
    arguments: [(Int64.max, 90), (Int64.min, 90), (0, 90), (1_700_000_000, 0), (1_700_000_000, Int.max)]
      as [(Int64, Int)])
  func timesStayInRange(now: Int64, days: Int) {
    #expect(throws: TLSError.self) { try HomeCertificates.make(now: now, days: days) }
  }

  @Test func aServerNeedsAName() {
    #expect(throws: TLSError.self) {
      try HomeCertificates.make(now: TestHome.now, days: 90, serverNames: [], serverAddresses: [])
    }
  }
}
