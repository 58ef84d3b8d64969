import RouseCore

/// The contacts of a review and what came of each, as columns.
struct Contacts {
  struct Contact: BitwiseCopyable {
    var user: Int
    var at: Int64
    /// Of `PlannedRows`; -1: it was not planned.
    var row: Int32
    var channel: Int32
    var campaign: Int32
    /// Micros; -1: not reported.
    var cost: Int64
    /// A bit for each of `ReviewSteps.names` that came of it.
    var marks: UInt64 = 0
    /// Micros: of the loans that came of it, and what has become of them since.
    var amount: Int64 = 0
    var repaid: Int64 = 0
    var defaulted: Int64 = 0
    /// When the first of those loans was paid out.
    var borrowed: Int64 = 0
    /// A loan of it has defaulted, of whatever amount.
    var hasDefaulted = false
    /// It lies in the period, and not behind it.
    var isOfPeriod: Bool
    /// Another contact was made by the same row before.
    var isRepeated = false
    /// Made on another channel than the one planned.
    var isElsewhere = false

    func has(_ step: Int) -> Bool { marks >> UInt64(step) & 1 != 0 }
  }

  /// By user, then by time, then in the ledger's order.
  private(set) var contacts: [Contact] = []

  /// Outcomes that were reported, by step, and how many of them came of a contact of the period.
  private(set) var seen: [Int]
  private(set) var counted: [Int]
  private let steps: ReviewSteps

  init(_ steps: ReviewSteps) {
    self.steps = steps
    seen = [Int](repeating: 0, count: steps.names.count)
    counted = seen
  }

  /// - Parameter window: seconds for which an outcome counts.
  mutating func read(
    _ source: some ReviewSource, _ question: ReviewQuestion, window: Int64, _ rows: inout PlannedRows,
    _ names: inout ReviewNames
  ) throws(ReviewError) {
    let after = question.now.adding(1)
    let period = question.period
    guard period.lowerBound < after else { return }
    let end = min(after, period.upperBound.adding(window))
    try readContacts(source, question, period.lowerBound..<end, &names)
    join(&rows, names)
    try question.refuseIfAbandoned()
    try readOutcomes(source, question, period.lowerBound..<after, end, window, &rows)
  }

  private mutating func readContacts(
    _ source: some ReviewSource, _ question: ReviewQuestion, _ span: Range<Int64>, _ names: inout ReviewNames
  ) throws(ReviewError) {
    var contacts: [Contact] = []
    var isTooMuch = false
    try source.eachEvent(in: span, of: Self.isContact) { event in
      // As they came, in their order, and what is drawn from them.
      guard question.hasRoom(contacts.count, each: 3 * MemoryLayout<Contact>.stride) else {
        isTooMuch = true
        return false
      }
      contacts.append(
        Contact(
          user: event.user, at: event.at, row: event.plan.flatMap { names.plans.known($0) } ?? NameTable.none,
          channel: names.channels.number(event.channel), campaign: names.campaigns.number(event.campaign),
          cost: event.cost ?? -1, isOfPeriod: event.at < question.period.upperBound))
      return contacts.count < Int(Int32.max)
    }
    if isTooMuch { throw ReviewQuestion.tooMuch }
    // The order in which they came decides between those of one second.
    let order = contacts.indices.sorted { a, b in
      let (one, other) = (contacts[a], contacts[b])
      if one.user != other.user { return one.user < other.user }
      return one.at != other.at ? one.at < other.at : a < b
    }
    self.contacts = order.map { contacts[$0] }
  }

  private static func isContact(_ kind: String) -> Bool { kind.utf8.elementsEqual("contact".utf8) }

  /// Finds the row of each; until then `row` is the plan that the event named.
  private mutating func join(_ rows: inout PlannedRows, _ names: ReviewNames) {
    for index in contacts.indices {
      let contact = contacts[index]
      guard let row = rows.row(of: contact.user, plan: contact.row, at: contact.at) else {
        contacts[index].row = NameTable.none
        continue
      }
      let planned = rows.rows[Int(row)]
      contacts[index].row = row
      contacts[index].isRepeated = planned.isReported
      contacts[index].isElsewhere = planned.channel != contact.channel
      if contact.campaign == NameTable.none { contacts[index].campaign = planned.campaign }
      rows.noteReported(Int(row))
    }
  }

  private struct Return {
    let user: Int
    let at: Int64
    let amount: Int64?
    let isDefault: Bool
  }

  /// - Parameter end: outcomes from here on belong to later contacts; of loans it is followed what becomes of them.
  private mutating func readOutcomes(
    _ source: some ReviewSource, _ question: ReviewQuestion, _ span: Range<Int64>, _ end: Int64, _ window: Int64,
    _ rows: inout PlannedRows
  ) throws(ReviewError) {
    var contacts: [Contact] = []
    swap(&contacts, &self.contacts)
    defer { swap(&contacts, &self.contacts) }
    var (seen, counted) = (seen, counted)
    var returns: [Return] = []
    var lifted = rows
    rows = PlannedRows()
    defer { rows = lifted }
    var read = 0
    var isAbandoned = false
    var isTooMuch = false
    let disbursed = steps.disbursed
    let isNoContact: (String) -> Bool = { !Self.isContact($0) }
    try source.eachEvent(in: span, of: isNoContact) { event in
      read += 1
      if read & 0xFFFF == 0, question.isAbandoned() {
        isAbandoned = true
        return false
      }
      guard let step = steps.number(event.kind) else {
        let isDefault = event.kind.utf8.elementsEqual("defaulted".utf8)
        guard isDefault || event.kind.utf8.elementsEqual("repaid".utf8),
          Self.latest(contacts, event.user, event.at) != nil
        else { return true }
        guard question.hasRoom(returns.count, each: 2 * MemoryLayout<Return>.stride) else {
          isTooMuch = true
          return false
        }
        returns.append(Return(user: event.user, at: event.at, amount: event.amount, isDefault: isDefault))
        return true
      }
      if step == disbursed { lifted.noteBorrowed(event.user, at: event.at, window: window) }
      guard event.at < end else { return true }
      seen[step] += 1
      guard let index = Self.latest(contacts, event.user, event.at), event.at - contacts[index].at < window else {
        return true
      }
      if contacts[index].isOfPeriod { counted[step] += 1 }
      contacts[index].marks |= 1 << UInt64(step)
      if step == disbursed {
        let isFirst = contacts[index].borrowed == 0
        contacts[index].amount = contacts[index].amount.adding(event.amount ?? 0)
        contacts[index].borrowed = isFirst ? event.at : min(contacts[index].borrowed, event.at)
      }
      return true
    }
    if isAbandoned { try question.refuseIfAbandoned() }
    if isTooMuch { throw ReviewQuestion.tooMuch }
    for event in returns { Self.note(event, &contacts) }
    self.seen = seen
    self.counted = counted
  }

  /// What becomes of a loan belongs to the latest contact before it that brought one.
  private static func note(_ event: Return, _ contacts: inout [Contact]) {
    guard var index = latest(contacts, event.user, event.at) else { return }
    while contacts[index].borrowed == 0 || contacts[index].borrowed > event.at {
      guard index > 0, contacts[index - 1].user == event.user else { return }
      index -= 1
    }
    let amount = event.amount ?? .max
    if event.isDefault {
      contacts[index].defaulted = contacts[index].defaulted.adding(amount)
      contacts[index].hasDefaulted = true
    } else {
      contacts[index].repaid = contacts[index].repaid.adding(amount)
    }
  }

  /// The last contact of a user that is not later than a moment.
  private static func latest(_ contacts: [Contact], _ user: Int, _ at: Int64) -> Int? {
    let next = contacts.partitioningIndex { $0.user != user ? $0.user > user : $0.at > at }
    guard next > 0, contacts[next - 1].user == user else { return nil }
    return next - 1
  }
}
