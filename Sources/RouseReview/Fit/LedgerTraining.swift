import RouseCore

/// Contacts of a ledger to learn from, and what came of each within the policy's window: those of plans, by the policy
/// and by those who explore, each as it was known when it was planned.
package struct LedgerTraining {
  package private(set) var set: TrainingSet

  /// - Parameter policy: the one being fitted: its bins, its steps, its window.
  package init(of source: some ReviewSource, _ question: ReviewQuestion, under policy: Policy) throws(ReviewError) {
    set = TrainingSet(policy: policy)
    let steps = ReviewSteps(policy)
    var names = ReviewNames()
    var rows = PlannedRows()
    try rows.read(source, question, &names)
    var contacts = Contacts(steps)
    // A contact that was planned in the period may be reported after it.
    let following = ReviewQuestion(
      period: question.period.lowerBound..<max(question.period.upperBound, question.now.adding(1)), now: question.now,
      isAbandoned: question.isAbandoned, takesMemory: question.takesMemory)
    try contacts.read(source, following, window: policy.window, &rows, &names)
    try question.take(rows.rows.count * MemoryLayout<TrainingLabel?>.stride)
    let labels = labels(contacts, rows, names, question, policy, steps)
    contacts = Contacts(steps)
    try read(source, rows, labels, question)
    set.stabiliseWeights()
  }

  /// By the rows' indices; nil of those that are not learned from.
  private mutating func labels(
    _ contacts: Contacts, _ rows: PlannedRows, _ names: ReviewNames, _ question: ReviewQuestion, _ policy: Policy,
    _ steps: ReviewSteps
  ) -> [TrainingLabel?] {
    var labels = [TrainingLabel?](repeating: nil, count: rows.rows.count)
    let channels = names.channels.names.map { name in
      policy.channels.firstIndex { ExactText($0.name) == ExactText(name) } ?? -1
    }
    let places = policy.definition.response.steps.map { steps.number($0.name) }
    // Steps that a user must have come through are reported or not by the lender's systems: clicks alone are asked for.
    let tellsClicks = contacts.seen[ReviewSteps.click] > 0
    for contact in contacts.contacts where contact.row >= 0 && !contact.isRepeated {
      let index = Int(contact.row)
      let row = rows.rows[index]
      guard question.period.contains(row.made) else { continue }
      if names.arms.name(row.arm).map({ ExactText($0) == ExactText("holdout") }) ?? false || row.rank <= 0 {
        set.skip(.holdout)
        continue
      }
      if contact.at.adding(policy.window) > question.now {
        set.skip(.unfinished)
        continue
      }
      let channel = contact.channel >= 0 ? channels[Int(contact.channel)] : -1
      if contact.isElsewhere || channel < 0 {
        set.skip(.channel)
        continue
      }
      var reached: UInt64 = 0
      for (step, place) in places.enumerated() where step < 64 {
        if let place, contact.has(place) { reached |= 1 << UInt64(step) }
      }
      let hasBorrowed = contact.has(steps.disbursed)
      var label = TrainingLabel(channel: channel, outcome: hasBorrowed, steps: reached, at: contact.at)
      if tellsClicks { label.hasClicked = contact.has(ReviewSteps.click) || reached != 0 || hasBorrowed }
      if contact.borrowed > 0 {
        label.isBad = contact.hasDefaulted ? true : contact.repaid > 0 ? false : nil
        if contact.amount > 0 { label.amount = Double(contact.amount) / 1e6 }
      }
      labels[index] = label
    }
    return labels
  }

  private mutating func read(
    _ source: some ReviewSource, _ rows: PlannedRows, _ labels: [TrainingLabel?], _ question: ReviewQuestion
  ) throws(ReviewError) {
    guard let span = rows.span else { return }
    let rescorer = Rescorer(set.policy)
    var set = set
    var index = -1
    var isAbandoned = false
    var isTooMuch = false
    var labelled = 0
    let rowBytes = set.rowBytes
    // The same rows in the same order as before: it is one view.
    try source.eachRow(madeIn: span, withTexts: true) { row, texts in
      index += 1
      guard index < labels.count else { return false }
      if index & 0x3FF == 0, question.isAbandoned() {
        isAbandoned = true
        return false
      }
      guard var label = labels[index] else { return true }
      guard question.hasRoom(labelled, each: rowBytes) else {
        isTooMuch = true
        return false
      }
      labelled += 1
      guard let texts, row.propensity > 0 else {
        set.skip(.unreadable)
        return true
      }
      label.weight = Double(Micros.one) / Double(row.propensity)
      label.hash = UInt64(truncatingIfNeeded: row.user) &* 0x9E37_79B9_7F4A_7C15
      if !rescorer.score(texts, asOf: row.asOf, { set.add($0, label) }) { set.skip(.unreadable) }
      return true
    }
    if isAbandoned { try question.refuseIfAbandoned() }
    if isTooMuch { throw ReviewQuestion.tooMuch }
    self.set = set
  }
}
