import Testing

@testable import RouseServer

@Suite struct ConfigurationChangeTests {
  private static let text = """
    listen: 127.0.0.1:1
    identities:
      a: {certificate: dns:a, roles: [score, record]}
      b: {certificate: dns:b, roles: [score]}
    limits: {connections: 5, in_flight: 6}
    log_user_id_key: "00"
    """

  @Test(arguments: [
    ("127.0.0.1:1", "127.0.0.1:1    # the same", [String]()), ("127.0.0.1:1", "127.0.0.1:2", ["listen"]),
    ("[score, record]", "[score]", ["identities.a.roles"]), ("[score]", "score", ["identities.b.roles"]),
    ("[score]", "[tune]", ["identities.b.roles"]), ("  b: {", "  c: {", ["identities.c", "identities.b"]),
    ("limits: {connections: 5, in_flight: 6}", "drain_seconds: 5", ["drain_seconds", "limits"]),
    ("connections: 5, in_flight: 6", "in_flight: 7, connections: 5", ["limits.in_flight"]),
    ("limits: {connections: 5, in_flight: 6}", "limits: 5", ["limits"]),
    ("\"00\"", "\"11\"", ["log_user_id_key"]), ("listen:", "listen", []), ("listen:", "limits:", []),
  ])
  func namesOnly(_ from: String, _ to: String, _ keys: [String]) {
    #expect(Self.text.contains(from))
    let changed = Self.text.replacing(from, with: to)
    #expect(Configuration.changedKeys(from: Array(Self.text.utf8), to: Array(changed.utf8)) == keys)
  }
}
