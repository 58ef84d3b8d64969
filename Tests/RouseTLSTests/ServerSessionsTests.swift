import COpenSSL
import Testing

@testable import RouseTLS

/// What a server keeps of its sessions.
struct ServerSessionsTests {
  private func id(_ number: Int) -> [UInt8] {
    (0..<32).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> ($0 * 8)) : UInt8($0) }
  }

  private func keep(_ number: Int, in sessions: ServerSessions) throws -> OpaquePointer {
    let session = try #require(SSL_SESSION_new())
    let id = id(number)
    try #require(SSL_SESSION_set1_id(session, id, UInt32(id.count)) == 1)
    #expect(sessions.keep(session))
    return session
  }

  private func find(_ number: Int, in sessions: ServerSessions) -> OpaquePointer? {
    let found = sessions.find(id(number), 32)
    SSL_SESSION_free(found)
    return found
  }

  @Test func theOldestGoes() throws {
    let sessions = ServerSessions(certificatesEnd: .max)
    let kept = try (0..<(ServerSessions.most + 10)).map { try keep($0, in: sessions) }
    for number in [0, 9] { #expect(find(number, in: sessions) == nil) }
    for number in [10, ServerSessions.most, ServerSessions.most + 9] {
      #expect(find(number, in: sessions) == kept[number])
    }
    #expect(find(1 << 40, in: sessions) == nil)
  }

  @Test func anIDThatComesAgainIsOne() throws {
    let sessions = ServerSessions(certificatesEnd: .max)
    _ = try keep(1, in: sessions)
    let second = try keep(1, in: sessions)
    for number in 2..<ServerSessions.most { _ = try keep(number, in: sessions) }
    #expect(find(1, in: sessions) == second)
    _ = try keep(ServerSessions.most, in: sessions)
    #expect(find(1, in: sessions) == second)
    _ = try keep(ServerSessions.most + 1, in: sessions)
    #expect(find(1, in: sessions) == nil)
  }

  @Test func noIDIsNone() {
    let sessions = ServerSessions(certificatesEnd: .max)
    #expect(sessions.find(nil, 0) == nil)
    #expect(sessions.find([1], 0) == nil)
    #expect(sessions.find([UInt8](repeating: 1, count: 64), 64) == nil)
  }
}
