import RouseCore
import RouseWire

extension ComparisonResult {
  /// The comparison as a JSON object (`proto-spec/compare.md`).
  package func json() -> [UInt8] {
    var pen = ComparisonPen()
    pen.object { writeMembers(&$0) }
    return pen.out.array
  }

  private func writeMembers(_ pen: inout ComparisonPen) {
    pen.object("old") { Self.write(old, hasPlan: plans != nil, &$0) }
    pen.object("new") { Self.write(new, hasPlan: plans != nil, &$0) }
    pen.text("as_of", Moment.format(asOf))
    pen.whole("lines", lines)
    pen.list("say", ComparisonWords(self).sentences) { $0.item($1) }
    both("totals", &pen) { Self.write(tally[$1].all, &$0) }
    both("statuses", &pen) { writeStatuses(tally[$1].statuses, &$0) }
    writeErrors(&pen)
    pen.object("swap") { pen in
      for (name, swap) in [
        ("in_in", tally.stayIn), ("in_out", tally.goOut), ("out_in", tally.comeIn), ("out_out", tally.stayOut),
      ] as [(StaticString, ComparisonTally.Swap)] { Self.write(name, swap, &pen) }
    }
    writeFlips(&pen)
    pen.object("spearman") { pen in
      pen.number("rho", correlation.rho)
      pen.whole("users", correlation.count)
    }
    pen.list("overlap", plans?.overlaps ?? []) { pen, overlap in
      pen.object { pen in
        pen.whole("k", overlap.count)
        pen.whole("both", overlap.both)
        pen.number("share", overlap.count > 0 ? Double(overlap.both) / Double(overlap.count) : nil)
      }
    }
    writePrices(&pen)
    pen.object("by") { pen in
      writeGroups("stage", old.policy.stages.map(\.name), new.policy.stages.map(\.name), \.byStage, &pen)
      writeGroups("tier", Self.tiers(old.policy), Self.tiers(new.policy), \.byTier, &pen)
      writeGroups("region_group", old.groups, new.groups, \.byGroup, &pen)
      writeGroups("channel", old.policy.channels.map(\.name), new.policy.channels.map(\.name), \.byChannel, &pen)
    }
    writeParity(&pen)
    pen.object("movers") { pen in
      pen.list("up", movers.up) { Self.write($1, self, &$0) }
      pen.list("down", movers.down) { Self.write($1, self, &$0) }
    }
    writeCurves(&pen)
  }

  private func both(
    _ name: StaticString, _ pen: inout ComparisonPen,
    _ body: (inout ComparisonPen, KeyPath<ComparisonTally, ComparisonTally.Side>) -> Void
  ) {
    pen.object(name) { pen in
      pen.object("old") { body(&$0, \.old) }
      pen.object("new") { body(&$0, \.new) }
    }
  }

  static func tiers(_ policy: Policy) -> [String] { (0...policy.tiers.count).map { policy.tierName($0) } }

  // MARK: - What was compared

  private static func write(_ side: ComparedPolicy, hasPlan: Bool, _ pen: inout ComparisonPen) {
    pen.text("policy", side.policy.version)
    guard hasPlan else { return pen.null("limits") }
    let limits = side.limits
    pen.object("limits") { pen in
      pen.number("budget", limits.budget)
      pen.number("capital", limits.capital)
      pen.object("capacity") { pen in
        for (channel, most) in zip(side.policy.channels, limits.capacity) { pen.limit(channel.name, most) }
      }
      pen.object("quota") { pen in
        for (quota, most) in zip(side.policy.quotas, limits.quotas) { pen.limit(quota.name, most) }
      }
      pen.whole("limit", limits.limit.map { Int($0) })
      pen.flag("tier_first", limits.tierFirst)
    }
  }

  // MARK: - Totals

  private static func write(_ sums: ComparisonTally.Sums, _ pen: inout ComparisonPen) {
    pen.whole("contacts", sums.contacts)
    pen.micros("spend", sums.spend)
    pen.micros("value", sums.value)
    pen.worth("net_value", sums.worth)
    pen.number("roi", sums.roi)
    pen.micros("capital", sums.capital)
  }

  private func writeStatuses(_ counts: [Int], _ pen: inout ComparisonPen) {
    for status in Status.allCases where (plans == nil) == (status == .eligible) || !status.isOfPlan {
      pen.key(status.name)
      pen.count(counts[Int(status.rawValue)])
    }
  }

  private func writeErrors(_ pen: inout ComparisonPen) {
    pen.list("errors", [ReasonCode.i01, .i02, .i03]) { pen, code in
      pen.object { pen in
        pen.text("code", code.code)
        pen.text("say", code.say)
        pen.whole("old", tally.old.errors[code.rawValue])
        pen.whole("new", tally.new.errors[code.rawValue])
      }
    }
  }

  private static func write(_ name: StaticString, _ swap: ComparisonTally.Swap, _ pen: inout ComparisonPen) {
    pen.object(name) { pen in
      pen.whole("count", swap.count)
      pen.micros("value_old", swap.oldValue)
      pen.micros("value_new", swap.newValue)
      pen.number("pd_old", swap.oldPD.mean)
      pen.number("pd_new", swap.newPD.mean)
    }
  }

  // MARK: - Flips

  private func writeFlips(_ pen: inout ComparisonPen) {
    func code(_ index: Int16, _ policy: Policy) -> (code: String, say: String?)? {
      policy.codes.indices.contains(Int(index)) ? policy.codes[Int(index)] : nil
    }
    let flips = tally.flips.sorted { left, right in
      if left.value != right.value { return left.value > right.value }
      let (a, b) = (left.key, right.key)
      if a.from != b.from { return a.from.rawValue < b.from.rawValue }
      if a.to != b.to { return a.to.rawValue < b.to.rawValue }
      return a.toCode != b.toCode ? a.toCode < b.toCode : a.fromCode < b.fromCode
    }
    pen.list("flips", flips) { pen, flip in
      let from = code(flip.key.fromCode, old.policy)
      let to = code(flip.key.toCode, new.policy)
      pen.object { pen in
        pen.text("from", flip.key.from.name)
        pen.text("from_code", from?.code)
        pen.text("to", flip.key.to.name)
        pen.text("to_code", to?.code)
        pen.text("say", to?.say ?? (to == nil ? from?.say : nil))
        pen.whole("count", flip.value)
      }
    }
  }

  // MARK: - Prices

  private func writePrices(_ pen: inout ComparisonPen) {
    let (before, after) = (plans?.oldCut ?? [], plans?.newCut ?? [])
    var names = before.map(\.limit)
    for cut in after where !names.contains(where: { ExactText($0) == ExactText(cut.limit) }) { names.append(cut.limit) }
    pen.list("prices", names) { pen, name in
      pen.object { pen in
        pen.text("limit", name)
        Self.write("old", before.first { ExactText($0.limit) == ExactText(name) }, &pen)
        Self.write("new", after.first { ExactText($0.limit) == ExactText(name) }, &pen)
      }
    }
  }

  private static func write(_ name: StaticString, _ cut: Plan.Cut?, _ pen: inout ComparisonPen) {
    guard let cut else { return pen.null(name) }
    pen.object(name) { pen in
      pen.micros("max", cut.most)
      pen.micros("used", cut.used)
      pen.micros("price", cut.price)
      pen.text("say", cut.say + ComparisonWords.money(cut.price, decimals: 6) + " of net value")
    }
  }

  // MARK: - Groups

  /// Names of the old policy, then those that only the new one has, then those without; with their place on each side.
  private static func joined(_ old: [String], _ new: [String]) -> [(name: String?, old: Int?, new: Int?)] {
    var all: [(name: String?, old: Int?, new: Int?)] = old.enumerated().map { index, name in
      (name, index, new.firstIndex { ExactText($0) == ExactText(name) })
    }
    for (index, name) in new.enumerated() where !old.contains(where: { ExactText($0) == ExactText(name) }) {
      all.append((name, nil, index))
    }
    all.append((nil, old.count, new.count))
    return all
  }

  private func writeGroups(
    _ name: StaticString, _ oldNames: [String], _ newNames: [String],
    _ sums: KeyPath<ComparisonTally.Side, [ComparisonTally.Sums]>, _ pen: inout ComparisonPen
  ) {
    let (before, after) = (tally.old[keyPath: sums], tally.new[keyPath: sums])
    let isChannel = sums == \.byChannel
    let groups = Self.joined(oldNames, newNames).filter { group in
      // Those without a name stand there if there are any; on no channel are simply those who are not contacted.
      group.name != nil
        || !isChannel && (before[oldNames.count].lines > 0 || after[newNames.count].lines > 0)
    }
    pen.list(name, groups) { pen, group in
      pen.object { pen in
        pen.text("name", group.name)
        for (side, sums) in [
          ("old", group.old.map { before[$0] }), ("new", group.new.map { after[$0] }),
        ] as [(StaticString, ComparisonTally.Sums?)] {
          guard let sums else {
            pen.null(side)
            continue
          }
          pen.object(side) { pen in
            if !isChannel { pen.whole("lines", sums.lines) }
            Self.write(sums, &pen)
          }
        }
      }
    }
  }

  // MARK: - Parity

  /// A group's selection rate on one side, and how it stands beside the best group's.
  struct Parity {
    let rate: Rate
    let ratio: Double?
    let isBelow: Bool
  }

  static func parities(_ side: ComparisonTally.Side, _ policy: Policy) -> [Parity] {
    let rates = side.selections.map { Rate($0.selected, of: $0.passed) }
    // Those without a region are no group that could be the best.
    let ratios = parity(Array(rates.dropLast())) + [nil]
    return zip(rates, ratios).map { rate, ratio in
      Parity(rate: rate, ratio: ratio, isBelow: ratio.map { $0 < policy.definition.review.parity ?? 0 } ?? false)
    }
  }

  private func writeParity(_ pen: inout ComparisonPen) {
    let before = Self.parities(tally.old, old.policy)
    let after = Self.parities(tally.new, new.policy)
    pen.object("parity") { pen in
      pen.object("floor") { pen in
        pen.number("old", old.policy.definition.review.parity)
        pen.number("new", new.policy.definition.review.parity)
      }
      let groups = Self.joined(old.groups, new.groups).filter { group in
        (group.old.map { before[$0].rate.of } ?? 0) + (group.new.map { after[$0].rate.of } ?? 0) > 0
      }
      pen.list("groups", groups) { pen, group in
        pen.object { pen in
          pen.text("name", group.name)
          Self.write("old", group.old.map { before[$0] }, &pen)
          Self.write("new", group.new.map { after[$0] }, &pen)
        }
      }
    }
  }

  private static func write(_ name: StaticString, _ parity: Parity?, _ pen: inout ComparisonPen) {
    guard let parity else { return pen.null(name) }
    pen.object(name) { pen in
      pen.rate("selected", parity.rate)
      pen.number("ratio", parity.ratio)
      pen.flag("below", parity.isBelow)
    }
  }

  // MARK: - Curves

  private func writeCurves(_ pen: inout ComparisonPen) {
    guard let plans else { return pen.null("curves") }
    pen.object("curves") { pen in
      for (name, curve) in [("old", plans.oldCurve), ("new", plans.newCurve)] as [(StaticString, ValueCurve)] {
        pen.object(name) { pen in
          pen.whole("cut", curve.cut)
          pen.list("points", curve.points) { pen, point in
            pen.object { pen in
              pen.whole("contacts", point.contacts)
              pen.micros("value", point.value)
              pen.worth("net_value", point.worth)
              pen.micros("spend", point.spend)
            }
          }
        }
      }
    }
  }
}

extension ComparisonPen {
  fileprivate mutating func limit(_ name: String, _ most: Int64?) {
    key(name)
    if let most { count(Int(most)) } else { null() }
  }
}

extension Status {
  /// Told apart by a plan alone, or only before one.
  fileprivate var isOfPlan: Bool { self == .eligible || self == .contact || self == .waitlist }
}

extension ComparisonTally {
  fileprivate subscript(side: KeyPath<ComparisonTally, Side>) -> Side { self[keyPath: side] }
}

extension ComparisonTally.Sums {
  /// Value over spend, with four decimals; nil without spend.
  var roi: Double? { spend == 0 ? nil : (Double(value) / Double(spend) * 1e4).rounded() / 1e4 }
}
