import RouseCore

/// A row as a part keeps it until the plan is made.
enum PartRow {
  enum Kind: UInt8 {
    /// Of the users; nothing else stands in a part that keeps users alone.
    case user = 1
    /// Decided for good; `valued` with a best option.
    case other, valued
    /// Its user_id came before: I03.
    case repeated
  }

  struct Stored {
    let kind: Kind
    /// Empty for a user, whose user_id stands with the options.
    let id: UnsafeRawBufferPointer
    let packed: UnsafeRawBufferPointer

    init(_ reader: inout PartReader) throws(PartFault) {
      guard let kind = Kind(rawValue: try reader.byte()) else { throw PartFault("it is damaged; make it again") }
      self.kind = kind
      let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      id = kind == .user ? nothing : try reader.text()
      packed = kind == .repeated ? nothing : try reader.text()
    }
  }

  static func write(_ kind: Kind, _ id: [UInt8], _ packed: [UInt8], into out: inout PartWriter) {
    out.put(kind.rawValue)
    if kind != .user { out.put(id) }
    if kind != .repeated { out.put(packed) }
  }
}

/// The rows of a plan's parts, each part's by itself.
package struct PartRows {
  private let scorer: Scorer
  private let writer: DecisionWriter
  private let state: PartState

  package init(scorer: Scorer, writer: DecisionWriter, state: PartState) {
    self.scorer = scorer
    self.writer = writer
    self.state = state
  }

  /// One row; valid until the next.
  package struct Row {
    /// Rows with a key stand in the order of their keys: that is their rank. nil: it has none.
    package let key: [UInt8]?
    /// Among the rows of the part.
    package let index: Int
    /// The row's text; the rank is to stand behind the first part of it, if it has one.
    package let head: UnsafeRawBufferPointer
    package let tail: UnsafeRawBufferPointer
  }

  /// Writes the rows of a part: its contacts, or all, as the plan's state says.
  /// - Parameters:
  ///   - options, decisions: as `MadePart` has them.
  ///   - body: gets each row.
  package func write(
    options: UnsafeRawBufferPointer, decisions: UnsafeRawBufferPointer, _ body: (Row) -> Void
  ) throws(PartFault) {
    let policy = scorer.policy
    let part = try PlanPart(options, policy: policy)
    guard part.origin.now == scorer.now else { throw PartFault("it was made as of another moment") }
    guard !state.wantsAll || part.origin.keepsAll else {
      throw PartFault("it keeps the users alone; for every row make it with --rows all")
    }
    var reader = try PartReader(decisions, .decisions)
    var rows: [PartRow.Stored] = []
    for _ in 0..<(try reader.count()) { rows.append(try PartRow.Stored(&reader)) }
    try reader.end()
    guard rows.count(where: { $0.kind == .user }) == part.users.count else {
      throw PartFault("its options and its decisions are not of one part")
    }
    for row in rows where row.kind != .repeated {
      guard PackedDecision.isSound(row.packed, withBest: row.kind == .valued, scorer: scorer) else {
        throw PartFault("its decisions are damaged; make it again")
      }
    }
    var next = 0
    var decision = Decision()
    var out = ByteWriter(capacity: 1024)
    func others() {
      while next < rows.count, rows[next].kind != .user {
        if state.wantsAll {
          let row = rows[next]
          if row.kind == .repeated {
            decision.invalidate(.i03)
          } else {
            PackedDecision.unpack(row.packed, withBest: row.kind == .valued, policy: policy, into: &decision)
          }
          out.removeAll()
          writer.write(decision, userID: row.id, into: &out)
          body(Row(key: nil, index: next, head: out.bytes, tail: UnsafeRawBufferPointer(start: nil, count: 0)))
        }
        next += 1
      }
    }
    part.outcomes(state, policy: policy) { user, outcome in
      others()
      defer { next += 1 }
      guard state.wantsAll || outcome.taken >= 0 else { return }
      PackedDecision.unpack(rows[next].packed, withBest: false, policy: policy, into: &decision)
      decision.setOption(part.users.options[part.users.optionRange(user).lowerBound + outcome.shown])
      var placement = DecisionWriter.Placement()
      placement.rank = outcome.key == nil ? 0 : 1
      if decision.arm != .policy { placement.ghost = outcome.ghost }
      if decision.arm != .holdout { decision.status = outcome.taken >= 0 ? .contact : .waitlist }
      placement.propensity = outcome.propensity
      out.removeAll()
      part.users.userID(user).withUnsafeBytes { writer.write(decision, userID: $0, placement: placement, into: &out) }
      let (head, tail) = Self.split(out.bytes, hasRank: outcome.key != nil)
      body(Row(key: outcome.key, index: next, head: head, tail: tail))
    }
    others()
  }

  /// Where the rank stands: the quotes around its name are nowhere in a text, where each has a backslash before it.
  private static func split(
    _ row: UnsafeRawBufferPointer, hasRank: Bool
  ) -> (head: UnsafeRawBufferPointer, tail: UnsafeRawBufferPointer) {
    let name = Array(",\"rank\":1,".utf8)
    var at = 0
    while hasRank, at + name.count <= row.count {
      if row[at] == 0x2C, row[at..<(at + name.count)].elementsEqual(name) {
        let middle = at + name.count - 2
        return (
          UnsafeRawBufferPointer(rebasing: row[..<middle]), UnsafeRawBufferPointer(rebasing: row[(middle + 1)...])
        )
      }
      at += 1
    }
    return (row, UnsafeRawBufferPointer(start: nil, count: 0))
  }
}
