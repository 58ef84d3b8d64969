import RouseTLS
import Testing

@testable import RouseClient

@Suite("What to do about a failed connection")
struct RemedyTests {
  @Test(
    "Each reason has its remedy",
    arguments: [
      ("certificate verify failed: unable to get local issuer certificate", "give its CA file with --ca"),
      ("certificate verify failed: certificate has expired", "renew it on the server"),
      ("certificate verify failed: hostname mismatch", "is not for 'rouse.example'"),
      ("certificate verify failed: CA cert does not include key usage extension", "lacks what the standard asks for"),
      ("certificate verify failed: Missing Authority Key Identifier", "lacks what the standard asks for"),
      ("tlsv13 alert certificate required", "wants a client certificate"),
      ("sslv3 alert certificate revoked", "has been revoked"), ("sslv3 alert certificate expired", "has expired"),
      ("sslv3 alert certificate unknown", "ask its operator"), ("tlsv1 alert unknown ca", "give one that it trusts"),
      ("sslv3 alert bad certificate", "give one that it trusts"), ("wrong version number", "does not speak TLS"),
    ])
  func remedy(_ reason: String, _ words: String) throws {
    let endpoint = try #require(Endpoint("127.0.0.1:7411"))
    let error = ClientError(.connection(reason), endpoint: endpoint, serverName: "rouse.example")
    #expect(error.description.contains(words) && error.description.contains(reason), "\(error)")
  }
}
