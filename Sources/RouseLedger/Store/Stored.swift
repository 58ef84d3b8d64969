/// A kind of event by its number.
package struct StoredKind: Sendable, Equatable {
  package var number: Int
  package var name: String
  /// Events before this moment are no longer kept.
  package var swept: Int64?

  package init(number: Int, name: String, swept: Int64? = nil) {
    self.number = number
    self.name = name
    self.swept = swept
  }
}

/// An event without its key.
package struct StoredEvent: Sendable, Equatable {
  package var user: Int
  package var kind: Int
  package var at: Int64
  package var channel: Int?
  package var plan: String?
  package var campaign: String?
  package var amount: Int64?
  package var cost: Int64?

  package init(
    user: Int, kind: Int, at: Int64, channel: Int?, plan: String?, campaign: String?, amount: Int64?, cost: Int64?
  ) {
    self.user = user
    self.kind = kind
    self.at = at
    self.channel = channel
    self.plan = plan
    self.campaign = campaign
    self.amount = amount
    self.cost = cost
  }
}

/// What totals are kept by.
package struct DailyKey: Sendable, Hashable {
  /// Days since 1970, by UTC.
  package var day: Int64
  package var kind: Int
  package var channel: Int?

  package init(day: Int64, kind: Int, channel: Int?) {
    self.day = day
    self.kind = kind
    self.channel = channel
  }
}

/// Sums stay at the highest number there is rather than pass it.
package struct DailySums: Sendable, Equatable {
  package var count: Int64 = 0
  package var amount: Int64 = 0
  package var cost: Int64 = 0

  package init(_ count: Int64 = 0, amount: Int64 = 0, cost: Int64 = 0) {
    self.count = count
    self.amount = amount
    self.cost = cost
  }

  package mutating func add(_ other: DailySums) {
    count = count.adding(other.count)
    amount = amount.adding(other.amount)
    cost = cost.adding(other.cost)
  }

  mutating func add(_ event: StoredEvent) {
    count = count.adding(1)
    amount = amount.adding(event.amount ?? 0)
    cost = cost.adding(event.cost ?? 0)
  }
}

extension Int64 {
  /// The sum, or the nearest number there is.
  func adding(_ other: Int64) -> Int64 {
    let (sum, isOver) = addingReportingOverflow(other)
    return isOver ? (other > 0 ? .max : .min) : sum
  }

  func subtracting(_ other: Int64) -> Int64 {
    let (difference, isOver) = subtractingReportingOverflow(other)
    return isOver ? (other > 0 ? .min : .max) : difference
  }
}

/// A plan's head, with what tells a repeated commit.
package struct StoredPlan: Sendable, Equatable {
  /// Its `id` is that of `number`.
  package var head: PlanHead
  package var number: Int
  package var digest: [UInt8]

  package init(head: PlanHead, number: Int, digest: [UInt8]) {
    self.head = head
    self.number = number
    self.digest = digest
  }
}

/// A user's place in a plan.
package struct StoredPlace: Sendable, Equatable {
  package var plan: Int
  /// 0: a ghost.
  package var rank: Int
  package var channel: String
  /// When the lease ends or ended; nil: there was none.
  package var leasedUntil: Int64?

  package init(plan: Int, rank: Int, channel: String, leasedUntil: Int64?) {
    self.plan = plan
    self.rank = rank
    self.channel = channel
    self.leasedUntil = leasedUntil
  }
}

package struct StoredPolicy: Sendable, Equatable {
  package var version: String
  package var text: [UInt8]
  package var format: String
  package var at: Int64
  package var by: String

  package init(version: String, text: [UInt8], format: String, at: Int64, by: String) {
    self.version = version
    self.text = text
    self.format = format
    self.at = at
    self.by = by
  }
}

/// Plans' names: `P` and the number.
enum PlanName {
  static func id(_ number: Int) -> String { "P\(number)" }

  /// nil when it is none: `P01` and `p1` are no plan's.
  static func number(_ id: String) -> Int? {
    let digits = id.utf8.dropFirst()
    guard id.utf8.first == 0x50, let first = digits.first, first != 0x30, digits.count <= 10,
      digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
    else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
}
