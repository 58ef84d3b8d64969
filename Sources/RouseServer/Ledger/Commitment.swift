import COpenSSL
import RouseCore
import RouseLedger
import RouseWire
import Synchronization

/// That a rank's plan is to be kept: what the request said of it, and what tells the request from another.
final class Commitment: Sendable {
  let ledger: Ledger
  let key: String?
  let campaign: String?
  /// What the request set, as a JSON object.
  let settings: [UInt8]
  let asOf: (text: String, seconds: Int64)
  /// Seconds since 1970, by the server's clock.
  let made: Int64
  /// The ledger's sequence before the first candidate was scored.
  let seen: UInt64
  private let hash: Mutex<rouse_sha256_prefix>

  init(_ ledger: Ledger, _ request: Request, asOf: (text: String, seconds: Int64), made: Int64) {
    self.ledger = ledger
    key = request.planKey
    campaign = request.campaign
    var out = ByteWriter(capacity: 256)
    request.writeSettings(into: &out)
    settings = out.array
    self.asOf = asOf
    self.made = made
    seen = ledger.sequence
    var prefix = rouse_sha256_prefix()
    rouse_sha256_start(&prefix, settings, settings.count)
    hash = Mutex(prefix)
  }

  /// Takes the next candidates' bytes; what stands behind the stream's end is not of the request.
  func digest(_ block: Block, _ stop: BatchWorker.Stop) {
    guard key != nil else { return }
    let count =
      switch stop {
      case .end(let next), .cancel(let next): next
      case .none, .lineTooLong: block.count
      }
    digest(UnsafeRawBufferPointer(rebasing: block.bytes.prefix(count)))
  }

  func digest(_ bytes: UnsafeRawBufferPointer) {
    hash.withLock { rouse_sha256_more(&$0, bytes.baseAddress, bytes.count) }
  }

  /// SHA-256 over all that the request asked for.
  var digest: [UInt8] {
    hash.withLock { prefix in
      var digest = [UInt8](repeating: 0, count: 32)
      rouse_sha256_finish(&prefix, nil, 0, &digest)
      return digest
    }
  }
}
