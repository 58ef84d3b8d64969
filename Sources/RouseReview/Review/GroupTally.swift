import RouseCore

/// What is counted of a group of contacts.
struct GroupTally {
  var contacts = 0
  /// Those whose window has ended: all rates are theirs.
  var finished = 0
  /// By step: those it came of; those that could come to it from the step before, and did.
  var counts: [Int]
  var before: [Int]
  var both: [Int]
  /// Of those who clicked and of those who logged in again: who logged in, who borrowed.
  var clicksToLogin = 0
  var clicksToLoan = 0
  var loginsToLoan = 0
  /// By step: the step before it in the chains of these contacts; -1: the contact itself; nil: none was in a chain.
  var previous: [Int?]
  static let several = -2
  /// Of `delivered` and `click`: sums of what the policy believes, and of how many contacts.
  var believed = [0.0, 0.0]
  var believedOf = 0
  /// Contacts, clicks and logins of stages that have a step at which an application is handed in, and those handed in.
  var applications = Applications()
  /// Micros.
  var spend = Spend()
  var coupons: Int64 = 0
  var amount: Int64 = 0
  var loanValue: Int64 = 0
  var expectedValue: Int64 = 0
  var expectedSpend: Int64 = 0
  var realisedValue: Int64 = 0
  var loans = 0

  struct Applications {
    var contacts = 0
    var clicks = 0
    var logins = 0
    var made = 0
    var ofClicks = 0
    var ofLogins = 0
  }

  struct Spend {
    var reported: Int64 = 0
    var expected: Int64 = 0
    var reportedOf = 0
    var expectedOf = 0

    var total: Int64 { reported.adding(expected) }
  }

  init(_ steps: ReviewSteps) {
    let none = [Int](repeating: 0, count: steps.names.count)
    counts = none
    before = none
    both = none
    previous = [Int?](repeating: nil, count: steps.funnelCount)
  }

  func rate(_ step: Int) -> Rate { Rate(counts[step], of: finished) }
  /// Of those who came to the step before.
  func rateFromPrevious(_ step: Int) -> Rate { Rate(both[step], of: before[step]) }
}

/// What is told of one contact to all the groups that it is in.
struct TalliedContact {
  var contact: Contacts.Contact
  var row: PlannedRows.Row?
  var isFinished: Bool
  var chain: [Int]
  var application: Int?
  /// The chances of the channel that the policy believes in: to be delivered, and to be clicked.
  var believed: (delivered: Double, click: Double)?
  var account: ContactMoney.Account
}

extension GroupTally {
  mutating func add(_ one: TalliedContact, _ steps: ReviewSteps) {
    contacts += 1
    guard one.isFinished else { return }
    finished += 1
    let contact = one.contact
    for step in counts.indices where contact.has(step) { counts[step] += 1 }
    before[ReviewSteps.delivered] += 1
    if contact.has(ReviewSteps.delivered) { both[ReviewSteps.delivered] += 1 }
    var last = -1
    for step in one.chain {
      if let known = previous[step] {
        if known != last { previous[step] = Self.several }
      } else {
        previous[step] = last
      }
      if last < 0 || contact.has(last) {
        before[step] += 1
        if contact.has(step) { both[step] += 1 }
      }
      last = step
    }
    let hasClicked = contact.has(ReviewSteps.click)
    let hasLoggedIn = contact.has(steps.login)
    let hasBorrowed = contact.has(steps.disbursed)
    if hasClicked, hasLoggedIn { clicksToLogin += 1 }
    if hasClicked, hasBorrowed { clicksToLoan += 1 }
    if hasLoggedIn, hasBorrowed { loginsToLoan += 1 }
    if let chances = one.believed {
      believed[0] += chances.delivered
      believed[1] += chances.click
      believedOf += 1
    }
    count(one, steps)
    addMoney(one)
  }

  private mutating func count(_ one: TalliedContact, _ steps: ReviewSteps) {
    guard let application = one.application else { return }
    let isMade = one.contact.has(application)
    applications.contacts += 1
    if isMade { applications.made += 1 }
    if one.contact.has(ReviewSteps.click) {
      applications.clicks += 1
      if isMade { applications.ofClicks += 1 }
    }
    if one.contact.has(steps.login) {
      applications.logins += 1
      if isMade { applications.ofLogins += 1 }
    }
  }

  private mutating func addMoney(_ one: TalliedContact) {
    let account = one.account
    if account.isReported {
      spend.reported = spend.reported.adding(account.spend)
      spend.reportedOf += 1
    } else {
      spend.expected = spend.expected.adding(account.spend)
      spend.expectedOf += 1
    }
    coupons = coupons.adding(account.coupon)
    amount = amount.adding(account.amount)
    loanValue = loanValue.adding(account.loanValue)
    realisedValue = realisedValue.adding(account.value)
    if one.contact.borrowed != 0 { loans += 1 }
    if let row = one.row, !one.contact.isRepeated {
      expectedValue = expectedValue.adding(row.value)
      expectedSpend = expectedSpend.adding(row.spend)
    }
  }
}
