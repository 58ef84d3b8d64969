import RouseCore
import TestData

@testable import RouseWire

/// The standing audience without a ledger: slots in the order of the lines, with holes, and user_ids beside them.
final class Crowd: AudienceSource {
  let audience: Audience
  private var ids: [Int: UnsafeMutableRawBufferPointer] = [:]

  /// - Parameters:
  ///   - lines: candidates of distinct user_ids; those that are none are left out.
  ///   - hashed: shares are kept beside the candidates.
  init(_ lines: [[UInt8]], offline: Offline, every step: Int = 1, hashed: Bool = true) {
    audience = Audience(fields: offline.policy.fields)
    let experiment = offline.policy.experiment
    if hashed { audience.useShares(of: experiment) }
    let images = AudienceImages(fields: offline.policy.fields, experiment: hashed ? experiment : nil)
    var reader = CandidateReader(tables: offline.tables)
    let row = CandidateRow(policy: offline.policy, keepingTexts: true)
    var slot = 0
    for line in lines {
      let block = line.withUnsafeBytes { Block($0) }
      guard reader.read(UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), into: row) == .candidate else {
        continue
      }
      images.append(row)
      let id = UnsafeMutableRawBufferPointer.allocate(byteCount: row.userIDCount, alignment: 1)
      id.copyMemory(from: row.userID)
      ids[slot] = id
      audience.put(slot, images, images.count - 1)
      slot += step
    }
    audience.settle()
  }

  deinit { for id in ids.values { id.deallocate() } }

  func userID(_ slot: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(ids[slot] ?? .init(start: nil, count: 0))
  }
  func tell(_ slot: Int, _ row: CandidateRow) {}
  func told(from slot: Int) -> UInt64 { 0 }
}
