import RouseCore
import RouseReview
import RouseWire
import Testing

/// The funnel, the last touch and the lift against a plain reading of their definitions, event by event.
@Suite struct ReviewModelTests {
  @Test(arguments: 1...60) func isWhatItsDefinitionsSay(_ seed: Int) throws {
    let source = RandomLedger(seed: UInt64(seed)).source
    let period = Example.noon - 10 * Example.day..<Example.noon + 12 * Example.day
    let now = Example.noon + Int64(8 + seed % 20) * Example.day
    let review = try Review(
      of: source, ReviewQuestion(period: period, now: now), under: try Example.policy())
    let answer = try #require(JSONValue(review.json()))
    let plain = PlainReview(source, period, now: now)
    #expect(answer["contacts"]?["all"]?.whole == plain.contacts.count)
    #expect(answer["contacts"]?["unplanned"]?.whole == plain.contacts.count { $0.row == nil })
    #expect(answer["contacts"]?["finished"]?.whole == plain.contacts.count { $0.isFinished })
    #expect(answer["planned"]?["reported"]?.whole == plain.reported)
    #expect(answer["planned"]?["not_reported"]?.whole == plain.notReported)
    for step in answer["all"]?["funnel"]?.items ?? [] {
      let name = try #require(step["step"]?.text)
      #expect(step["per_contact"]?["count"]?.whole == plain.count { $0.outcomes.contains(name) }, "\(name)")
      #expect(step["per_contact"]?["of"]?.whole == plain.count { _ in true })
    }
    for kind in ["quit", "complaint", "opt_out"] {
      #expect(answer["all"]?["harm"]?[kind]?["count"]?.whole == plain.count { $0.outcomes.contains(kind) })
    }
    for (dimension, name) in [
      ("stage", { (contact: PlainReview.Contact) in contact.row?.stage }), ("tier", { $0.row?.tier }),
      ("channel", { $0.event.channel }), ("region_group", { $0.row.flatMap { $0.regionGroup } }),
      ("campaign", { $0.event.campaign ?? $0.row?.campaign }), ("arm", { $0.row?.arm }),
    ] {
      let groups = answer["by"]?.items.first { $0["dimension"]?.text == dimension }?["groups"]?.items ?? []
      #expect(Set(groups.map { $0["name"]?.text }).count == groups.count)
      #expect(groups.reduce(0) { $0 + ($1["contacts"]?.whole ?? 0) } == plain.contacts.count, "\(dimension)")
      for group in groups {
        let own = plain.contacts.filter { name($0) == group["name"]?.text && $0.isFinished }
        #expect(group["finished"]?.whole == own.count)
        #expect(
          group["rates"]?["disbursed_per_push"]?["count"]?.whole == own.count { $0.outcomes.contains("disbursed") })
        #expect(
          group["rates"]?["disbursed_per_click"]?["count"]?.whole
            == own.count { $0.outcomes.contains("disbursed") && $0.outcomes.contains("click") })
      }
    }
    let lift = answer["lift"]?["all"]
    #expect(lift?["chosen"]?["count"]?.whole == plain.chosen.count { $0.borrowed })
    #expect(lift?["chosen"]?["of"]?.whole == plain.chosen.count)
    #expect(lift?["held_out"]?["count"]?.whole == plain.heldOut.count { $0.borrowed })
    #expect(lift?["held_out"]?["of"]?.whole == plain.heldOut.count)
    #expect(lift?["users"]?["held_out"]?.whole == Set(plain.heldOut.map(\.user)).count)
    let weeks = answer["weeks"]?.items ?? []
    #expect(weeks.count == 4 && weeks.reduce(0) { $0 + ($1["contacts"]?.whole ?? 0) } == plain.contacts.count)
  }
}

/// The definitions of proto-spec/review.md, read word for word, with no thought of speed.
private struct PlainReview {
  struct Contact {
    let event: LoggedEvent
    let row: LoggedRow?
    let isFinished: Bool
    var outcomes: Set<String> = []
  }

  var contacts: [Contact] = []
  var reported = 0
  var notReported = 0
  var chosen: [(user: Int, borrowed: Bool)] = []
  var heldOut: [(user: Int, borrowed: Bool)] = []
  private static let window = 14 * Example.day

  init(_ source: MemorySource, _ period: Range<Int64>, now: Int64) {
    let events = source.events.filter { $0.at <= now }
    let rows = source.rows.map(\.row)
    let touches = events.filter { $0.kind == "contact" && $0.at >= period.lowerBound }
    let first = rows.filter { $0.made < period.lowerBound && ($0.leasedUntil ?? 0) > period.lowerBound }.map(\.made)
      .min()
    let known = rows.filter {
      $0.made >= min(first ?? .max, period.lowerBound) && $0.made < period.upperBound && $0.made <= now
    }
    func row(_ event: LoggedEvent) -> LoggedRow? {
      let own = known.filter { $0.user == event.user && $0.rank > 0 }
      if let named = own.first(where: { "P\($0.plan)" == event.plan }) { return named }
      return own.filter { $0.made <= event.at && event.at <= $0.leasedUntil ?? 0 }
        .max { ($0.made, $0.plan) < ($1.made, $1.plan) }
    }
    var seen: Set<String> = []
    let end = period.upperBound + Self.window
    for event in touches {
      let row = row(event)
      if let row, event.at < end { seen.insert("\(row.plan)/\(row.user)") }
      guard event.at < period.upperBound else { continue }
      contacts.append(Contact(event: event, row: row, isFinished: event.at + Self.window <= now))
    }
    for outcome in events where outcome.kind != "contact" && outcome.at >= period.lowerBound {
      let before = touches.filter { $0.user == outcome.user && $0.at <= outcome.at }
      guard let last = before.max(by: { $0.at < $1.at }), outcome.at - last.at < Self.window else { continue }
      guard let index = contacts.firstIndex(where: { $0.event == last }) else { continue }
      contacts[index].outcomes.insert(outcome.kind)
    }
    for row in rows where period.contains(row.made) && row.made <= now {
      if row.rank > 0 {
        if seen.contains("\(row.plan)/\(row.user)") {
          reported += 1
        } else if row.leasedUntil ?? 0 <= now {
          notReported += 1
        }
      }
      guard row.rank == 0 || row.arm == "policy", row.made + Self.window <= now else { continue }
      let borrowed = events.contains {
        $0.user == row.user && $0.kind == "disbursed" && $0.at >= row.made && $0.at - row.made < Self.window
      }
      if row.rank > 0 { chosen.append((row.user, borrowed)) } else { heldOut.append((row.user, borrowed)) }
    }
  }

  func count(_ isOne: (Contact) -> Bool) -> Int { contacts.count { $0.isFinished && isOne($0) } }
}
