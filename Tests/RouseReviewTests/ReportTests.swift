import RouseWire
import TestData
import Testing

@testable import RouseReview

/// The pages, made of answers with all members and of answers with none.
struct ReportTests {
  enum Kind: String, CaseIterable, Sendable {
    case compare, review

    func page(_ json: JSONValue) -> String {
      self == .compare ? CompareReport(json).html : ReviewReport(json).html
    }

    func answer() throws -> JSONValue {
      let bytes = try Vectors.bytes("report/\(rawValue).json")
      return try #require(JSONValue(bytes))
    }
  }

  @Test(arguments: Kind.allCases) func isWellFormed(_ kind: Kind) throws {
    let page = try kind.page(kind.answer())
    let check = PageCheck(page)
    #expect(check.faults == [])
    #expect(check.tags["h1"] == 1)
    #expect(check.tags["html"] == 1 && check.tags["main"] == 1 && check.tags["title"] ?? 0 > 1)
    // Each drawing tells its name and what is in it to whoever cannot see it, and each is there for a phone and wide.
    #expect(check.tags["desc"] ?? 0 >= 12)
    #expect(check.tags["figure"].map { $0 * 2 } == check.tags["desc"])
    #expect(check.tags["caption"] == check.tags["table"])
    #expect(page.contains("<html lang=\"en\">"))
    #expect(page.contains("default-src 'none'"))
    #expect(!page.contains("not yet known → not yet known"))
  }

  @Test(arguments: Kind.allCases) func headingsAreInOrder(_ kind: Kind) throws {
    let page = try kind.page(kind.answer())
    var last = 0
    for part in page.split(separator: "<h").dropFirst() {
      guard let level = part.first?.wholeNumberValue else { continue }
      #expect(level <= last + 1, "h\(level) after h\(last): \(part.prefix(60))")
      last = level
    }
    #expect(last > 1)
  }

  @Test(arguments: Kind.allCases) func isTheSameAgain(_ kind: Kind) throws {
    let answer = try kind.answer()
    #expect(kind.page(answer) == kind.page(answer))
    // The server's reply has the answer as a member.
    let member = kind == .compare ? "comparison" : "review"
    #expect(kind.page(.object([.init(name: member, value: answer)])) == kind.page(answer))
  }

  /// What was expected holds coupons, so what came stands beside it with them.
  @Test func spendIsHeldAgainstItsLike() throws {
    let answer = try Kind.review.answer()
    let money = try #require(answer["all"]?["money"])
    let spend = try #require(money["spend"]?.number) + #require(money["coupons"]?.number)
    let text = PageCheck(Kind.review.page(answer)).text
    #expect(text.contains("Spend and coupons"))
    #expect(text.contains("\(Figures.money(spend)) was spent, coupons included"))
  }

  /// What a manager reads first.
  @Test func tellsWhatMatters() throws {
    let compare = try PageCheck(Kind.compare.page(Kind.compare.answer())).text
    #expect(
      compare.contains(
        "The new policy’s list is worth 2,390.88 where the old one’s is worth 2,290.90: 99.98 more (+4.4\u{A0}%)."))
    #expect(compare.contains("1,782 users stay, 12 come in and 172 go out."))
    let review = try PageCheck(Kind.review.page(Kind.review.answer())).text
    #expect(
      review.contains(
        "Of 24,160 contacts whose time is over, 11 led to a loan; between 6 and 20 is what chance allows."))
    #expect(review.contains("Whether contacts add anything is not yet known"))
  }

  @Test(arguments: Kind.allCases) func nothingIsKnown(_ kind: Kind) throws {
    for answer in [JSONValue.object([]), .null, .list([]), .text("x"), changed(try kind.answer()) { _ in .null }] {
      let check = PageCheck(kind.page(answer))
      #expect(check.faults == [])
      #expect(check.text.lowercased().contains("not known") || check.text.contains("not yet known"))
    }
  }

  /// One member less each time.
  @Test(arguments: Kind.allCases) func eachMemberMayBeMissing(_ kind: Kind) throws {
    let answer = try kind.answer()
    for member in answer.members {
      for stand in [nil, JSONValue.null, .list([]), .object([]), .number("1e999"), .text("?")] {
        let members = answer.members.compactMap { one in
          one.name != member.name ? one : stand.map { JSONValue.Member(name: one.name, value: $0) }
        }
        #expect(PageCheck(kind.page(.object(members))).faults == [], "without \(member.name)")
      }
    }
  }

  @Test(
    arguments: Kind.allCases,
    [
      "0", "-0", "1", "-1", "1e300", "-1e300", "1e-300", "1e999", "0.5", "123456789012345678901234567890",
    ])
  func anyNumberIsDrawn(_ kind: Kind, _ number: String) throws {
    let answer = changed(try kind.answer()) { value in
      if case .number = value { .number(number) } else { value }
    }
    #expect(PageCheck(kind.page(answer)).faults == [])
  }

  static let hostile = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'&amp;<!--", "</style></title></svg>",
    "\u{202E}evil",
    "a\u{0}b\u{1B}[31m", String(repeating: "x", count: 10_000), String(repeating: "🧑‍👩‍👧‍👦", count: 200), "",
    "javascript:alert(1)",
    "a" + String(repeating: "\u{301}", count: 5_000), "]]>", "عربي", "\r\n\t", "NaN",
  ]

  @Test(arguments: Kind.allCases, hostile) func namesStayNames(_ kind: Kind, _ name: String) throws {
    let answer = changed(try kind.answer()) { value in
      if case .text = value { .text(name) } else { value }
    }
    let page = kind.page(answer)
    let check = PageCheck(page)
    #expect(check.faults == [])
    for mark in ["<script", "<img", "<!--", "\u{202E}", "\u{0}", "\u{1B}"] { #expect(!page.contains(mark), "\(mark)") }
    // No name makes the page long, whatever its length.
    #expect(page.utf8.count < 1_200_000)
  }

  /// Names of members may be anything too.
  @Test(arguments: Kind.allCases) func keysStayNames(_ kind: Kind) throws {
    let answer = try kind.answer()
    let members = answer.members.map { member -> JSONValue.Member in
      guard ["by", "statuses"].contains(member.name) else { return member }
      let changed = member.value.members.map { JSONValue.Member(name: "<b>\"\($0.name)", value: $0.value) }
      return .init(name: member.name, value: changed.isEmpty ? member.value : .object(changed))
    }
    #expect(PageCheck(kind.page(.object(members))).faults == [])
  }

  @Test func manyWeeksAndStages() throws {
    let answer = try Kind.review.answer()
    func many(_ list: JSONValue, _ count: Int) -> JSONValue {
      list.items.isEmpty ? list : .list((0..<count).map { list.items[$0 % list.items.count] })
    }
    let members = answer.members.map { member -> JSONValue.Member in
      switch member.name {
      case "weeks": .init(name: "weeks", value: many(member.value, 400))
      case "worst", "targets": .init(name: member.name, value: many(member.value, 40))
      case "stability":
        .init(
          name: "stability",
          value: .object(
            member.value.members.map {
              $0.name == "characteristics" ? .init(name: $0.name, value: many($0.value, 40)) : $0
            }))
      default: member
      }
    }
    let check = PageCheck(Kind.review.page(.object(members)))
    #expect(check.faults == [])
    #expect(check.text.contains("(400 rows)"))
  }

  private func changed(_ value: JSONValue, _ change: (JSONValue) -> JSONValue) -> JSONValue {
    switch value {
    case .object(let members): .object(members.map { .init(name: $0.name, value: changed($0.value, change)) })
    case .list(let items): .list(items.map { changed($0, change) })
    default: change(value)
    }
  }
}
