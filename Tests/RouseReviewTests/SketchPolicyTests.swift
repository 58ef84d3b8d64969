import RouseCore
import RouseWire
import Testing

@testable import RouseReview

@Suite struct SketchPolicyTests {
  private static func table(_ lines: [String]) -> DataTable {
    var table = DataTable()
    for line in lines {
      guard let row = JSONValue(Array(line.utf8)) else { continue }
      table.add(row, outcome: false, ignoring: [])
    }
    return table
  }

  private static let customers = (0..<40).map {
    "{\"id\":\"c\($0)\",\"signup\":\"2025-01-0\($0 % 9 + 1)T00:00:00Z\",\"offer_until\":\"2027-01-01T00:00:00Z\","
      + "\"orders\":\($0 % 7),\"email_ok\":\($0 % 2 == 0),\"can_call\":\"\($0 % 3 == 0 ? "yes" : "no")\","
      + "\"opt_out\":\($0 % 10 == 0 ? 1 : 0),\"city\":\"it's \($0 % 3)\",\"gender\":\"f\",\"note\":\"n\($0)\"}"
  }

  private static func sketch(_ lines: [String], _ change: (inout SketchPolicy.Settings) -> Void = { _ in })
    -> SketchPolicy
  {
    var settings = SketchPolicy.Settings()
    settings.now = 1_772_323_200
    change(&settings)
    return SketchPolicy(table(lines), settings)
  }

  @Test func whatColumnsAreIsReadOffThem() throws {
    let sketch = Self.sketch(Self.customers) { $0.valuePerOutcome = 20 }
    let policy = try PolicyText(yaml: Array(sketch.text.utf8)).policy
    let kinds = Dictionary(uniqueKeysWithValues: policy.fields.declared.map { ($0.name, $0.kind) })
    #expect(sketch.id == "id" && kinds["id"] == nil && kinds["gender"] == nil)
    #expect(kinds["signup"] == .times && kinds["offer_until"] == .timesAhead && kinds["orders"] == .numbers)
    #expect(policy.definition.channels.map(\.name) == ["email", "call"])
    #expect(policy.response.rows.map(\.name) == ["orders", "city"])
    #expect(policy.response.rows.allSatisfy { row in row.points.allSatisfy { $0 == 0 } })
    #expect(sketch.text.contains("S01: {when: \"opt_out = 1\""))
    #expect(sketch.notes.contains { $0.hasPrefix("gender:") } && sketch.notes.contains { $0.hasPrefix("note:") })
  }

  /// A policy's numbers have fewer digits than a column's may have.
  @Test func anyNumberMakesAPolicyThatLoads() throws {
    let values = ["1e308", "-1e308", "-1e307", "0", "1e-320", "12345678901234567890", "1", "1e15", "999999999999999.5"]
    for count in 2...values.count {
      let lines = (0..<20).map { "{\"seen\":\"2025-01-01T00:00:00Z\",\"n\":\(values[$0 % count])}" }
      let policy = try PolicyText(yaml: Array(Self.sketch(lines).text.utf8)).policy
      #expect(policy.response.rows.map(\.name) == ["n"])
    }
    #expect(FieldNames.bounds([-1e300, -1e299, 0, 2e15, 3e15]) == ["-999999999999999", "0", "999999999999999"])
  }

  @Test func withoutTimesOrConsentItSaysSo() throws {
    let sketch = Self.sketch((0..<5).map { "{\"user_id\":\"u\($0)\",\"a\":\($0)}" })
    let policy = try PolicyText(yaml: Array(sketch.text.utf8)).policy
    #expect(sketch.id == nil && policy.fields.slot(named: StartPolicy.setTime) != nil)
    #expect(sketch.notes.contains { $0.contains("--set-time") } && sketch.notes.contains { $0.contains("email_ok") })
  }

  @Test func consentInOtherWordsIsReadOrItsChannelStaysClosed() throws {
    let sketch = Self.sketch(
      (0..<20).map {
        "{\"user_id\":\"u\($0)\",\"seen\":\"2025-01-01T00:00:00Z\",\"email_ok\":\"\($0 % 2 == 0 ? "Ja" : "nein")\","
          + "\"sms_ok\":\"\($0 % 2 == 0 ? "granted" : "denied")\",\"blocked\":\"\($0 % 2 == 0 ? "A" : "B")\"}"
      })
    let policy = try PolicyText(yaml: Array(sketch.text.utf8)).policy
    #expect(policy.definition.channels.map(\.name) == ["email", "sms"])
    #expect(sketch.text.contains("email: {needs: \"email_ok = 'Ja'\"") && sketch.text.contains("sms: {needs: FALSE"))
    #expect(sketch.notes.contains { $0.hasPrefix("sms_ok:") && $0.contains("'granted', 'denied'") })
    #expect(sketch.notes.contains { $0.hasPrefix("blocked:") && $0.contains("suppress") })
    #expect(!sketch.notes.contains { $0.contains("everybody may") })
  }

  @Test(
    arguments: [
      ("31.12.2025", "dates"), ("12/31/2025", "dates"), ("1/2/25 08:15", "dates"), ("2025/12/31", "dates"),
      ("20251231", "dates"), ("9,272.50", "numbers"), ("12,05", "numbers"), ("1 000 €", "numbers"),
      ("AB-12", nil), ("3.1.4.1", "numbers"), ("40.13.2025", "numbers"),
    ] as [(String, String?)])
  func aForeignSpellingIsNamed(_ text: String, _ kind: String?) {
    let sketch = Self.sketch(
      (0..<30).map { "{\"user_id\":\"u\($0)\",\"a\":\"\(text)\(kind == "dates" ? "" : String($0))\"}" }
        + ["{\"user_id\":\"v\",\"a\":\"\(text)\"}"])
    let columns = kind == "dates" ? Self.dates(text) : sketch
    #expect(columns.needsTime)
    #expect(
      columns.notes.first { $0.hasPrefix("a: looks like") }.map { $0.contains("like \(kind ?? "nothing")") }
        == (kind == nil ? nil : true))
  }

  /// The same date in other years, so that the column has several values.
  private static func dates(_ text: String) -> SketchPolicy {
    sketch(
      (20..<26).map { year in
        let spelled =
          text.contains("2025") ? text.replacing("2025", with: "20\(year)") : text.replacing("/25", with: "/\(year)")
        return "{\"user_id\":\"u\(year)\",\"a\":\"\(spelled)\"}"
      })
  }

  @Test(arguments: ["\"", "it's", "a: b", "#x", "null", "{", "\u{7F}", "a\nb", "\u{2028}", "é"])
  func anyTextIsWrittenSafely(_ text: String)
    throws
  {
    let lines = (0..<20).map {
      "{\"seen\":\"2025-01-01T00:00:00Z\",\"kind\":\($0 % 2 == 0 ? JSONText.quoted(text) : "\"x\""),\(JSONText.quoted(text)):1}"
    }
    let policy = try PolicyText(yaml: Array(Self.sketch(lines).text.utf8)).policy
    #expect(policy.response.rows.first?.name == "kind")
  }
}
