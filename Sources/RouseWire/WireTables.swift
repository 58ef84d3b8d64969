import RouseCore
import Synchronization

/// What reading and writing need of a policy, made once: keys to slots, and the texts of replies as bytes.
package final class WireTables: Sendable {
  package let policy: Policy
  let tree: KeyTree
  /// For the lines of a load.
  let loadTree: KeyTree
  /// Channel by text number, or -1.
  let channels: [Int]
  /// Made when an explanation is asked for.
  private let explained = Mutex<ExplanationTexts?>(nil)

  package init(policy: Policy) {
    self.policy = policy
    tree = KeyTree(fields: policy.fields)
    loadTree = KeyTree(fields: policy.fields, forLoad: true)
    channels = (0..<policy.texts.count).map { policy.channel(ofText: UInt64($0)) ?? -1 }
  }

  var explanation: ExplanationTexts {
    explained.withLock { explained in
      let made = explained ?? ExplanationTexts(policy: policy)
      explained = made
      return made
    }
  }
}

func quoted(_ text: String) -> [UInt8] {
  var writer = ByteWriter(capacity: text.utf8.count + 2)
  writer.writeQuoted(text)
  return writer.array
}
