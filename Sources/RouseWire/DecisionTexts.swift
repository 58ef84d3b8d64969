import RouseCore

/// Every piece of a decision's JSON (model 10) that does not depend on the candidate, with the punctuation around it.
final class DecisionTexts: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// The pieces in plain memory, each list by an index of the policy; valid while the texts live.
  struct View: BitwiseCopyable {
    let nobody, userID, rank, reasons, dormantDays, silentDays, pd, until, points, why: Fragment
    let recency, days, approval, close, end, value, spend, capital, roi, null, ignored, propensity: Fragment
    let statuses: UnsafeMutablePointer<Fragment>
    let codes: UnsafeMutablePointer<Fragment>
    /// From -1 on: none.
    let stages: UnsafeMutablePointer<Fragment>
    let tiers: UnsafeMutablePointer<Fragment>
    let ghosts: UnsafeMutablePointer<Fragment>
    /// The first of `why`, where a stage has points.
    let stagePoints: UnsafeMutablePointer<Fragment>
    /// By place, from the row's start on; empty for 0 points.
    let attributes: UnsafeMutablePointer<Fragment>
    let attributeStarts: UnsafeMutablePointer<Int32>
    let arms: UnsafeMutablePointer<Fragment>
    let bests: UnsafeMutablePointer<Fragment>
    /// By channel and offset.
    let sendTimes: UnsafeMutablePointer<Fragment>
    let offsetCount: Int
    /// Where they stand.
    let bytes: UnsafePointer<UInt8>
    /// Bytes of the longest row that has no issues, its user_id and reasons aside; and of the longest reason.
    let most: Int
    let mostCode: Int
  }
  let view: View

  init(scorer: Scorer) {
    let policy = scorer.policy
    var texts = FragmentTexts()
    var most = 20 * ByteCursor.longestNumber
    func longest(_ fragments: [Fragment]) -> [Fragment] {
      most += fragments.map { Int($0.count) }.max() ?? 0
      return fragments
    }
    func one(_ text: String) -> Fragment { longest([texts.add(text)])[0] }

    let names = policy.stages.map { $0.name }
    let codes = policy.codes.map { texts.add(quoted($0.code) + [0x2C]) }
    var attributes: [Fragment] = []
    var attributeStarts: [Int32] = []
    for row in policy.response.rows {
      attributeStarts.append(Int32(attributes.count))
      let bins =
        [Scorecard.Bin.other, Scorecard.Bin.missing] + row.points.indices.map { Int32(truncatingIfNeeded: $0) }
      attributes += longest(
        bins.map { bin in
          let points = row.points(ofBin: bin)
          return points == 0 ? texts.add("") : texts.add(why(row.name, row.name(ofBin: bin), points))
        })
    }
    let offsets = scorer.offsetCount
    let sendTimes = policy.channels.indices.flatMap { channel in
      (0..<offsets).map { texts.add(",\"send_at\":" + text(scorer.sendAt(channel: channel, offset: $0)) + "}") }
    }
    let stages = ["null"] + names.map(text)
    let tiers = ["null"] + (0...policy.tiers.count).map { text(policy.tierName($0)) }
    let channels = policy.channels.map { text($0.name) }
    let arms: [Experiment.Arm] = [.policy, .explore, .holdout]
    view = View(
      nobody: one("{\"user_id\":null"), userID: one("{\"user_id\":\""), rank: one(",\"rank\":"),
      reasons: one(",\"reasons\":["), dormantDays: one(",\"dormant_days\":"), silentDays: one(",\"silent_days\":"),
      pd: one(",\"pd\":"), until: one(",\"until\":\""), points: one(",\"points\":"), why: one(",\"why\":["),
      recency: one("[\"recency\",\""), days: one("d\","), approval: one("[\"approval\",\""), close: one("\","),
      end: one("],"), value: one(",\"value\":"), spend: one(",\"spend\":"), capital: one(",\"capital\":"),
      roi: one(",\"roi\":"), null: one("null"), ignored: one(",\"ignored\":"), propensity: one(",\"propensity\":"),
      statuses: plainMemory(longest(Status.allCases.map { texts.add(",\"status\":\"\($0.name)\"") })),
      codes: plainMemory(codes),
      stages: plainMemory(longest(stages.map { texts.add(",\"stage\":" + $0) })),
      tiers: plainMemory(longest(tiers.map { texts.add(",\"tier\":" + $0 + ",\"risk_score\":") })),
      ghosts: plainMemory(longest((["null"] + channels).map { texts.add(",\"ghost\":" + $0) })),
      stagePoints: plainMemory(
        longest(
          policy.stages.map { stage in
            let points = stage.recall?.points ?? 0
            return texts.add(points == 0 ? "" : why("stage", stage.name, points))
          })),
      attributes: plainMemory(attributes), attributeStarts: plainMemory(attributeStarts),
      arms: plainMemory(longest(arms.map { texts.add("],\"arm\":\"\($0.name)\"") })),
      bests: plainMemory(longest(channels.map { texts.add(",\"best\":{\"channel\":" + $0 + ",\"p\":") })),
      sendTimes: plainMemory(longest(sendTimes)), offsetCount: offsets,
      bytes: UnsafePointer(plainMemory(texts.padded)), most: most, mostCode: codes.map { Int($0.count) }.max() ?? 0)
  }

  deinit {
    view.bytes.deallocate()
    view.statuses.deallocate()
    view.codes.deallocate()
    view.stages.deallocate()
    view.tiers.deallocate()
    view.ghosts.deallocate()
    view.stagePoints.deallocate()
    view.attributes.deallocate()
    view.attributeStarts.deallocate()
    view.arms.deallocate()
    view.bests.deallocate()
    view.sendTimes.deallocate()
  }
}

/// A JSON string.
private func text(_ text: String) -> String { String(decoding: quoted(text), as: UTF8.self) }

/// An entry of `why`, and a comma.
private func why(_ name: String, _ bin: String, _ points: Int) -> String {
  "[\(text(name)),\(text(bin)),\(points)],"
}
