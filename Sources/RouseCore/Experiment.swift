import COpenSSL

/// Who is held out, who explores, and the order among equals: salted hashes of the user_id (model 8), so that anyone can
/// audit them in any language.
package struct Experiment: Sendable {
  package enum Arm: UInt8, Sendable, BitwiseCopyable {
    case policy, explore, holdout

    package var name: String {
      switch self {
      case .policy: "policy"
      case .explore: "explore"
      case .holdout: "holdout"
      }
    }
  }

  /// Shares of 10,000 below which a user is held out, or else explores.
  package struct Arms: Sendable, BitwiseCopyable {
    let holdoutBelow: UInt64
    let exploreBelow: UInt64

    package func arm(share: UInt64) -> Arm {
      share < holdoutBelow ? .holdout : share < exploreBelow ? .explore : .policy
    }
  }

  /// The three hashes of one digest: SHA-256 of `salt:user_id`.
  struct Draw {
    let arm: UInt64
    let channel: UInt64
    let tie: UInt64
  }

  /// UTF-8: salts that look the same need not be.
  package let salt: [UInt8]
  package let holdout: Double
  package let explore: Double
  package let arms: Arms
  let lottery: Lottery

  /// Draws for users, in plain memory.
  struct Lottery: BitwiseCopyable {
    fileprivate let prefix: rouse_sha256_prefix

    func draw(_ userID: UnsafeRawBufferPointer) -> Draw {
      var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
      withUnsafeMutableBytes(of: &words) { words in
        withUnsafePointer(to: prefix) { prefix in
          rouse_sha256_draw(
            prefix, userID.baseAddress, userID.count, words.baseAddress?.assumingMemoryBound(to: UInt64.self))
        }
      }
      return Draw(arm: words.0, channel: words.1, tie: words.2)
    }
  }

  init(_ definition: ExperimentDefinition) {
    salt = Array(definition.salt.utf8)
    holdout = definition.holdout
    explore = definition.explore
    let held = Micros.halfUp(definition.holdout * 10_000)
    arms = Arms(
      holdoutBelow: UInt64(max(0, held)),
      exploreBelow: UInt64(max(0, held + Micros.halfUp(definition.explore * 10_000))))
    var prefix = rouse_sha256_prefix()
    let salt = Array((definition.salt + ":").utf8)
    rouse_sha256_start(&prefix, salt, salt.count)
    lottery = Lottery(prefix: prefix)
  }

  func draw(_ userID: UnsafeRawBufferPointer) -> Draw { lottery.draw(userID) }

  /// The first half of a user's place among equals.
  package func tie(_ userID: UnsafeRawBufferPointer) -> UInt64 { draw(userID).tie }

  /// The user's share of 10,000, and the shares below which a user is held out, or else explores.
  package func shares(_ userID: UnsafeRawBufferPointer) -> (share: Int, holdoutBelow: Int, exploreBelow: Int) {
    (Int(draw(userID).arm % 10_000), Int(arms.holdoutBelow), Int(arms.exploreBelow))
  }

  /// The chance, in micros, with which the contact was made: what off-policy estimates divide by.
  /// - Parameter followsPolicy: the policy would have taken this option by itself.
  package func propensity(options: Int, followsPolicy: Bool) -> Int64 {
    Micros.from(explore / Double(options) + (followsPolicy ? 1 - holdout - explore : 0))
  }
}

/// SHA-256 of bytes.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
  var prefix = rouse_sha256_prefix()
  rouse_sha256_start(&prefix, bytes, bytes.count)
  var digest = [UInt8](repeating: 0, count: 32)
  rouse_sha256_finish(&prefix, nil, 0, &digest)
  return digest
}
