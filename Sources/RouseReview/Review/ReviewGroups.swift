import RouseCore

/// The contacts of a review, counted overall and by each of the things that tell them apart.
struct ReviewGroups {
  struct Dimension {
    let name: String
    /// In the order in which they are listed; a group without a name holds those of whom it is not known.
    var groups: [(name: String?, tally: GroupTally)]
    /// Groups with fewer contacts than those listed.
    var leftOut = 0
  }

  /// Groups that are listed of one dimension: there may be any number of campaigns.
  static let most = 100

  let steps: ReviewSteps
  var all: GroupTally
  private(set) var dimensions: [Dimension] = []
  /// By week of the period.
  private(set) var weeks: [GroupTally]
  private(set) var unplanned = 0
  private(set) var repeated = 0
  private(set) var elsewhere = 0
  /// Steps that were never reported, though later ones were.
  let unreported: [Int]

  init(
    _ question: ReviewQuestion, _ policy: Policy, _ contacts: Contacts, _ rows: PlannedRows, _ names: ReviewNames,
    _ steps: ReviewSteps
  ) {
    self.steps = steps
    let unreported = steps.unreported(contacts.seen)
    self.unreported = unreported
    let chains = steps.chains.map { chain in chain.filter { !unreported.contains($0) } }
    let anyChain = steps.anyChain.filter { !unreported.contains($0) }
    let empty = GroupTally(steps)
    all = empty
    weeks = question.weeks.map { _ in empty }
    let definition = policy.definition
    let (tables, listed) = Self.dimensions(policy, names)
    var tallies = tables.map { [GroupTally](repeating: empty, count: $0.names.count + 1) }
    let stageIndex = names.stages.names.map { name in
      definition.stages.firstIndex { ExactText($0.name) == ExactText(name) }
    }
    let chances = names.channels.names.map { name in
      definition.channels.first { ExactText($0.name) == ExactText(name) }.map {
        (delivered: $0.reach, click: $0.reach * $0.click)
      }
    }
    let money = ContactMoney(policy, names)
    let window = policy.window
    for contact in contacts.contacts where contact.isOfPeriod {
      let row = contact.row >= 0 ? rows.rows[Int(contact.row)] : nil
      if row == nil { unplanned += 1 }
      if contact.isRepeated { repeated += 1 }
      if contact.isElsewhere { elsewhere += 1 }
      let stage = row.flatMap { stageIndex.indices.contains(Int($0.stage)) ? stageIndex[Int($0.stage)] : nil }
      let channel = Int(contact.channel)
      let one = TalliedContact(
        contact: contact, row: row, isFinished: contact.at.adding(window) <= question.now,
        chain: stage.map { chains[$0] } ?? anyChain, application: stage.flatMap { steps.application[$0] },
        believed: chances.indices.contains(channel) ? chances[channel] : nil,
        account: money.account(contact, row, steps))
      all.add(one, steps)
      let keys = [
        row?.stage, row?.tier, contact.channel, row?.region, contact.campaign, row?.arm,
      ]
      for (dimension, key) in keys.enumerated() {
        tallies[dimension][Int((key ?? NameTable.none) + 1)].add(one, steps)
      }
      let week = Int((contact.at - question.period.lowerBound) / ReviewQuestion.week)
      if weeks.indices.contains(week) { weeks[week].add(one, steps) }
    }
    for (index, name) in Self.names.enumerated() {
      let groups = tables[index].order(listed[index]).compactMap { number -> (name: String?, tally: GroupTally)? in
        let tally = tallies[index][Int(number + 1)]
        return tally.contacts > 0 ? (tables[index].name(number), tally) : nil
      }
      let kept = Set(mostOf(groups.map(\.tally.contacts), Self.most))
      dimensions.append(
        Dimension(
          name: name, groups: groups.indices.filter { kept.contains($0) }.map { groups[$0] },
          leftOut: groups.count - kept.count))
    }
  }

  package static let names = ["stage", "tier", "channel", "region_group", "campaign", "arm"]

  private static func dimensions(_ policy: Policy, _ names: ReviewNames) -> ([NameTable], [[String]]) {
    let definition = policy.definition
    return (
      [names.stages, names.tiers, names.channels, names.regions, names.campaigns, names.arms],
      [
        definition.stages.map(\.name), definition.tiers.map(\.name) + ["all"], definition.channels.map(\.name),
        definition.regions.groups.map(\.name) + ["unknown"], [], ["policy", "explore", "holdout"],
      ]
    )
  }

  func groups(_ dimension: String) -> [(name: String?, tally: GroupTally)] {
    dimensions.first { $0.name == dimension }?.groups ?? []
  }
}

/// The indices of the greatest counts, the first of equal ones.
func mostOf(_ counts: [Int], _ most: Int) -> ArraySlice<Int> {
  counts.indices.sorted { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }.prefix(most)
}
