import RouseCore

/// What reading and writing need of a policy, made once: keys to slots, and the texts of replies as bytes.
package final class WireTables: Sendable {
  package let policy: Policy
  let tree: KeyTree
  /// For the lines of a load.
  let loadTree: KeyTree
  /// Channel by text number, or -1.
  let channels: [Int]
  let statusNames: [[UInt8]]
  let codes: [[UInt8]]
  let stageNames: [[UInt8]]
  let tierNames: [[UInt8]]
  let channelNames: [[UInt8]]
  /// `["row","bin",points]` by row of the response card and bin; empty for 0 points. The last two are missing and other.
  let attributes: [[[UInt8]]]

  package init(policy: Policy) {
    self.policy = policy
    tree = KeyTree(fields: policy.fields)
    loadTree = KeyTree(fields: policy.fields, forLoad: true)
    channels = (0..<policy.texts.count).map { policy.channel(ofText: UInt64($0)) ?? -1 }
    statusNames = Status.allCases.map { Array($0.name.utf8) }
    codes = policy.codes.map { quoted($0.code) }
    stageNames = policy.stages.map { quoted($0.name) }
    tierNames = (0...policy.tiers.count).map { quoted(policy.tierName($0)) }
    channelNames = policy.channels.map { quoted($0.name) }
    attributes = policy.response.rows.map { row in
      let bins =
        row.points.indices.map { Int32(truncatingIfNeeded: $0) } + [Scorecard.Bin.missing, Scorecard.Bin.other]
      return bins.map { bin in
        let points = row.points(ofBin: bin)
        guard points != 0 else { return [] }
        return [0x5B] + quoted(row.name) + [0x2C] + quoted(row.name(ofBin: bin)) + Array(",\(points)]".utf8)
      }
    }
  }
}

func quoted(_ text: String) -> [UInt8] {
  var writer = ByteWriter(capacity: text.utf8.count + 2)
  writer.writeQuoted(text)
  return writer.array
}
