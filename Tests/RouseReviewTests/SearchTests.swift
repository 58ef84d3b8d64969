import Foundation
import RouseCore
import RousePolicy
import TestData
import Testing

@testable import RouseReview

/// What lint proves about conditions, against worked answers: what came out once is possible, and is never denied.
struct SearchTests {
  static let rows: [[String]] = Vectors.rows("conditions.tsv", skipping: 2)

  /// The fields of the vectors, in a policy of one stage.
  private static func policy() throws -> PolicyDefinition {
    let text = try LintTests.example("lapsed-donors")
    var document = try Document.parse(yaml: Array(text.utf8))
    let fields =
      #"fields={"times":["joined_at","complaint_at","last_gift_at","pledge_ended_at","last_visit_at"],"#
      + #""times_ahead":["t","u","v","pledge_until"],"numbers":["a","b","c","gifts","usual_gift","bounced"],"#
      + #""flags":["p","q","r","mail_ok","phone_ok","deceased"],"texts":["s","device.os","_x","region","source"]}"#
    try document.set(try Override(parsing: fields))
    return try PolicyReader.read(document)
  }

  private static func tree(_ cell: String, _ fields: FieldTable) -> ConditionTree? {
    guard let text = try? JSONDecoder().decode(String.self, from: Data(cell.utf8)),
      let condition = try? ConditionParser.parse(text, in: ConditionScope(fields: fields, derivedAllowed: false))
    else { return nil }
    return ConditionTree(condition)
  }

  @Test func thereAreCases() { #expect(Self.rows.count > 700) }

  /// Each answer of the vectors is found, or left undecided.
  @Test func whatCameOutIsPossible() throws {
    let policy = try Self.policy()
    let wanted: [String: Truths] = ["TRUE": .yes, "FALSE": .no, "NULL": .null]
    var decided = 0
    for row in Self.rows where row.count == 3 {
      guard let wanted = wanted[row[2]], let tree = Self.tree(row[0], policy.fields) else { continue }
      let found = Search.find([(tree, wanted)], in: policy)
      #expect(found != .impossible, "\(row)")
      if found == .possible { decided += 1 }
    }
    #expect(decided > 400)
  }

  /// An impossible condition stays so whatever is tried: every pair of values of two fields by hand.
  @Test(arguments: [
    ("a > 3 AND a < 2", true), ("a >= 3 AND a <= 3", false), ("a > 3 AND a < 3.5", false),
    ("a BETWEEN 5 AND 2", true), ("a IN (1, 2) AND a NOT IN (1, 2, 3)", true), ("a < b AND b < a", true),
    ("a < b AND b < c AND c < 1 AND a > 0", false), ("a < b AND b < c AND c < a", true), ("a = b AND a <> b", true),
    ("s = 'x' AND s = 'y'", true), ("s <> 'x' AND s <> 'y'", false),
    ("s = device.os AND s <> _x AND device.os = _x", true),
    ("p AND NOT p", true), ("p IS NULL AND p", true), ("(p OR q) AND NOT p AND NOT q", true),
    ("days_since(joined_at) < 0", true), ("days_since(t) < 0", false), ("joined_at > now", true), ("t > now", false),
    ("days_since(joined_at) > 30 AND days_since(joined_at) < 31", true),
    ("days_since(joined_at) > 30 AND days_since(joined_at) < 32", false),
    ("after(joined_at, last_visit_at) AND after(last_visit_at, joined_at)", true),
    ("after(joined_at, last_visit_at) AND after(last_visit_at, last_gift_at) AND days_since(joined_at) > 9", false),
    ("after(joined_at, last_visit_at) AND days_since(joined_at) > 9 AND days_since(last_visit_at) < 9", true),
    ("latest(joined_at, last_visit_at) IS NULL AND joined_at IS NOT NULL", true),
    ("days_since(latest(joined_at, last_visit_at)) > 9 AND days_since(joined_at) < 5", true),
    ("after(joined_at, last_visit_at, last_gift_at) AND after(last_gift_at, last_visit_at, pledge_ended_at)", false),
    ("a > 100000000000000000000", false), ("TRUE = FALSE", true), ("p = q AND p AND NOT q", true),
  ])
  func isDecided(_ condition: String, _ isImpossible: Bool) throws {
    let policy = try Self.policy()
    let scope = ConditionScope(fields: policy.fields, derivedAllowed: false)
    let tree = ConditionTree(try ConditionParser.parse(condition, in: scope))
    #expect(Search.find([(tree, .yes)], in: policy) == (isImpossible ? .impossible : .possible))
  }

  /// Days against a number field are beyond the few values: nothing is claimed.
  @Test func whatCannotBeToldIsLeft() throws {
    let policy = try Self.policy()
    let scope = ConditionScope(fields: policy.fields, derivedAllowed: false)
    for text in ["days_since(joined_at) > a AND days_since(joined_at) < a", "days_since(t) <> days_since(t)"] {
      let tree = ConditionTree(try ConditionParser.parse(text, in: scope))
      #expect(Search.find([(tree, .yes)], in: policy) == .unknown)
    }
  }

  /// A condition of very many fields ends: it is given up, not worked on for ever.
  @Test func itGivesUp() throws {
    let policy = try Self.policy()
    let scope = ConditionScope(fields: policy.fields, derivedAllowed: false)
    let names = ["joined_at", "complaint_at", "last_gift_at", "pledge_ended_at", "last_visit_at", "t", "u", "v"]
    let pairs = names.flatMap { a in
      names.filter { $0 != a }.map { b in "(\(a) < \(b) OR \(a) = \(b) OR days_since(\(a)) = 7)" }
    }
    let text =
      pairs.joined(separator: " AND ") + " AND " + names.map { "days_since(\($0)) <> 7" }.joined(separator: " AND ")
      + " AND t <> u"
    let tree = ConditionTree(try ConditionParser.parse(text, in: scope))
    #expect(Search.find([(tree, .yes)], in: policy) != .possible)
  }
}
