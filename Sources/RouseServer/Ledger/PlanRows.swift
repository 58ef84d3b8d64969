import RouseCore
import RouseLedger
import RouseWire
import Synchronization

/// The contacts of a committed plan, as the ledger kept them.
final class PlanRows: RowSource {
  let head: PlanHead
  private let ledger: Ledger
  /// The rank that comes next; nil at the end.
  private let next = Mutex<Int?>(1)

  init(_ head: PlanHead, of ledger: Ledger) {
    self.head = head
    self.ledger = ledger
  }

  func rows(enough: Int) throws(WireError) -> (bytes: [UInt8], isAtEnd: Bool) {
    var out = ByteWriter(capacity: enough + 4096)
    while out.count < enough, let from = next.withLock({ $0 }) {
      for row in try read(from) {
        Self.write(row, into: &out)
        out.put(0x0A)
      }
    }
    return (out.array, next.withLock { $0 } == nil)
  }

  /// All rows, with commas between them.
  func writeAll(into out: inout ByteWriter) throws(WireError) {
    var isFirst = true
    while let from = next.withLock({ $0 }) {
      for row in try read(from) {
        if !isFirst { out.put(0x2C) }
        isFirst = false
        Self.write(row, into: &out)
      }
    }
  }

  private static let batch = 500

  private func read(_ from: Int) throws(WireError) -> [Ledger.PlanRow] {
    do throws(LedgerError) {
      let rows = try ledger.rows(of: head.id, from: from, most: Self.batch)
      next.withLock { $0 = rows.count < Self.batch ? nil : rows.last.map { $0.rank + 1 } }
      return rows
    } catch {
      throw WireError(error)
    }
  }

  private static func write(_ row: Ledger.PlanRow, into out: inout ByteWriter) {
    out.write("{\"user_id\":")
    row.userID.withUnsafeBytes { out.writeQuoted($0) }
    out.write(row.row)
  }

  /// What the op `plan` says of the plan, behind its rows.
  func tail() -> [UInt8] {
    var out = ByteWriter()
    out.put(0x2C)
    head.writeMembers(into: &out)
    out.write(",\"request\":")
    out.write(head.request)
    out.write(",\"plan\":")
    out.write(head.totals)
    return out.array
  }

  func cancel() {}
}

extension PlanHead {
  /// `,"plan_id":..,"leased_until":..,"replayed":..`: what a rank that committed says.
  func writeCommit(replayed: Bool, into out: inout ByteWriter) {
    out.write(",\"plan_id\":")
    out.writeQuoted(id)
    out.write(",\"leased_until\":")
    out.writeQuoted(Moment.format(leasedUntil))
    out.write(replayed ? ",\"replayed\":true" : ",\"replayed\":false")
  }

  /// `"plan_id":..,` and so on: what the list of plans says of each.
  func writeMembers(into out: inout ByteWriter) {
    func optional(_ text: String?) { if let text { out.writeQuoted(text) } else { out.write("null") } }
    out.write("\"plan_id\":")
    out.writeQuoted(id)
    out.write(",\"plan_key\":")
    optional(key)
    out.write(",\"campaign\":")
    optional(campaign)
    out.write(",\"policy\":")
    out.writeQuoted(policy)
    out.write(",\"as_of\":")
    out.writeQuoted(asOfText)
    out.write(",\"made\":")
    out.writeQuoted(Moment.format(made))
    out.write(",\"leased_until\":")
    out.writeQuoted(Moment.format(leasedUntil))
    out.write(",\"contacts\":")
    out.write(contacts)
    out.write(",\"ghosts\":")
    out.write(ghosts)
    out.write(",\"erased\":")
    out.write(erased)
    out.write(",\"value\":")
    out.write(micros: value)
    out.write(",\"spend\":")
    out.write(micros: spend)
    out.write(",\"capital\":")
    out.write(micros: capital)
  }
}

/// The contacts of a plan that is looked up when the first row is wanted, off the event loop.
final class LatePlanRows: RowSource {
  private let id: String
  private let ledger: Ledger
  private let found = Mutex<PlanRows?>(nil)

  init(_ id: String, of ledger: Ledger) {
    self.id = id
    self.ledger = ledger
  }

  func rows(enough: Int) throws(WireError) -> (bytes: [UInt8], isAtEnd: Bool) {
    if let rows = found.withLock({ $0 }) { return try rows.rows(enough: enough) }
    guard let head = try asking({ () throws(LedgerError) in try ledger.plan(id) }) else {
      throw WireError(.notFound, "the ledger has no such plan", at: "/plan_id")
    }
    let rows = PlanRows(head, of: ledger)
    found.withLock { $0 = rows }
    return try rows.rows(enough: enough)
  }

  func tail() -> [UInt8] { found.withLock { $0 }?.tail() ?? [] }

  func cancel() {}
}
