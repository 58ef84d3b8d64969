import RouseCore

/// The ledger as it stood at one moment, for questions that read much of it: rows come one after another and are not
/// held. Valid within `Ledger.view`, on its thread.
///
/// While a view is open nothing waits for it, but what has been erased meanwhile leaves the file only after it.
package struct LedgerView {
  private let reading: any LedgerReading
  private let names: Names

  init(_ reading: any LedgerReading) throws {
    self.reading = reading
    names = try Names(reading)
  }

  /// Plans made in a period, by number, without their texts.
  package func plans(madeIn period: Range<Int64>) throws -> [PlanLine] {
    try reading.plans(madeIn: period).sorted { $0.number < $1.number }
  }

  /// A plan by its id, with its request and totals.
  package func plan(_ id: String) throws -> (number: Int, head: PlanHead)? {
    guard let number = PlanName.number(id), let plan = try reading.plan(number) else { return nil }
    return (number, plan.head)
  }

  /// When the first of the plans was made whose leases reached beyond a moment, and which were made before it.
  package func firstMade(leasedBeyond moment: Int64) throws -> Int64? { try reading.firstMade(leasedBeyond: moment) }

  /// The rows of a plan in rank order, then the ghosts. Those of erased users are no longer there.
  /// - Parameters:
  ///   - withTexts: the texts are read too.
  ///   - body: false: no more. It may ask this view for anything but rows.
  /// - Returns: whether it went through to the end.
  package func eachRow(
    of plan: Int, withTexts: Bool, _ body: (StoredRow, StoredTexts?) throws -> Bool
  ) throws -> Bool {
    try reading.eachRow(of: plan, withTexts: withTexts, body)
  }

  /// Events of a period, by kind and then by time. It names kinds and channels.
  /// - Parameters:
  ///   - wants: whether a kind is asked for; of the others none is read.
  ///   - body: false: no more. It may ask this view for anything but events.
  package func eachEvent(
    in period: Range<Int64>, of wants: (String) -> Bool = { _ in true },
    _ body: (_ event: StoredEvent, _ kind: String, _ channel: String?) throws -> Bool
  ) throws {
    for (number, name) in names.kinds.sorted(by: { $0.key < $1.key }) where wants(name) {
      let isMore = try reading.eachEvent(of: number, in: period) { event in
        let channel = event.channel.flatMap { names.channels.indices.contains($0) ? names.channels[$0] : nil }
        return try body(event, name, channel)
      }
      guard isMore else { return }
    }
  }

  package func policy(_ version: String) throws -> StoredPolicy? { try reading.policy(version) }
}

extension Ledger {
  /// Opens a view of the ledger as it stands now.
  package func view<Answer>(_ body: (LedgerView) throws -> Answer) throws(LedgerError) -> Answer {
    try ask { try body(try LedgerView($0)) }
  }
}

/// A plan as a list of them shows it.
package struct PlanLine: Sendable, Equatable {
  package var number: Int
  /// Seconds since 1970: when it was made, for what moment, until when its contacts were leased.
  package var made: Int64
  package var asOf: Int64
  package var leasedUntil: Int64
  package var policy: String
  package var campaign: String?
}

/// A contact of a plan, or a ghost (rank 0), as it is kept. Money and shares are micros.
package struct StoredRow: Sendable, Equatable {
  package var user: Int
  package var rank: Int
  package var channel: String
  package var value: Int64
  package var spend: Int64
  package var capital: Int64
  package var p: Int64
  package var pd: Int64
  package var propensity: Int64
  package var arm: String
  package var stage: String
  package var tier: String
  package var regionGroup: String?
}

/// The long texts of a plan's row.
package struct StoredTexts: Sendable, Equatable {
  package var userID: [UInt8]
  /// The reply's row after the user_id's value; empty of a ghost.
  package var row: [UInt8]
  /// The candidate's line with an empty user_id.
  package var candidate: [UInt8]
  /// The contacts that the ledger knew of then, as a JSON list.
  package var known: [UInt8]
}
