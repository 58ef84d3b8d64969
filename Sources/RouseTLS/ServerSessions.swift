import COpenSSL
import Glibc
import NIOCore
import Synchronization

/// The sessions of a server's context that may be resumed, by their ids.
///
/// A session stands for the certificate that was shown when it began, and for what was known then. When either has ended
/// since, it counts for nothing: the full handshake that follows tells the peer why it is refused.
final class ServerSessions: Sendable {
  /// Seconds that a session may replace the certificates.
  static let lifetime = 3600
  /// Each holds about 10 KiB, nearly all of them for the peer's certificate. Beyond it the oldest goes, and costs its peer a
  /// full handshake.
  static let most = 2048
  /// Bytes of the certificates that a peer may send behind its own and have its session kept, for they are kept with it: a
  /// chain needs a few, and what else a peer puts there is only ballast.
  static let longestChain = 8192

  /// OpenSSL's ids of 32 random bytes; shorter ones end with zeros.
  private struct ID: Hashable {
    private let words: SIMD4<UInt64>

    init?(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
      guard let bytes, (1...32).contains(count) else { return nil }
      var words = SIMD4<UInt64>()
      withUnsafeMutableBytes(of: &words) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: count))
      }
      self.words = words
    }
  }

  private struct Kept {
    /// An SSL_SESSION with a reference of ours.
    let session: UInt
    /// Seconds since 1970.
    let until: Int64
  }

  private struct State {
    var sessions: [ID: Kept] = [:]
    /// The oldest first.
    var order = CircularBuffer<ID>()
  }
  private let state = Mutex(State())
  /// Seconds since 1970: until when a certificate, once verified, may count as such.
  private let certificatesEnd: Int64

  init(certificatesEnd: Int64) { self.certificatesEnd = certificatesEnd }

  deinit {
    for kept in state.withLock({ $0.sessions.values }) { SSL_SESSION_free(OpaquePointer(bitPattern: kept.session)) }
  }

  /// Takes over a reference to the session; false leaves it.
  func keep(_ session: OpaquePointer) -> Bool {
    var count: UInt32 = 0
    let bytes = SSL_SESSION_get_id(session, &count)
    guard let id = ID(bytes, Int(count)) else { return false }
    let now = Int64(time(nil))
    var end = now + Int64(Self.lifetime)
    if let certificate = SSL_SESSION_get0_peer(session) {
      var notAfter: Int64 = 0
      guard rouse_not_after(certificate, &notAfter) == 1 else { return false }
      end = min(end, notAfter, certificatesEnd)
    }
    let kept = Kept(session: UInt(bitPattern: session), until: end)
    let dropped = state.withLock { state in
      var dropped: [UInt] = []
      if let former = state.sessions.updateValue(kept, forKey: id) {
        dropped.append(former.session)
      } else {
        state.order.append(id)
      }
      while let first = state.order.first, let oldest = state.sessions[first],
        state.order.count > Self.most || oldest.until < now
      {
        state.order.removeFirst()
        state.sessions[first] = nil
        dropped.append(oldest.session)
      }
      return dropped
    }
    for session in dropped { SSL_SESSION_free(OpaquePointer(bitPattern: session)) }
    return true
  }

  /// The session of an id that a peer has shown, with a reference for the caller.
  func find(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> OpaquePointer? {
    guard let id = ID(bytes, count) else { return nil }
    let now = Int64(time(nil))
    let found: UInt? = state.withLock { state in
      guard let kept = state.sessions[id], kept.until >= now else { return nil }
      // Within the lock: another thread may be dropping it.
      SSL_SESSION_up_ref(OpaquePointer(bitPattern: kept.session))
      return kept.session
    }
    return found.flatMap { OpaquePointer(bitPattern: $0) }
  }
}
