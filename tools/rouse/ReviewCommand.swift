import ArgumentParser
import RouseClient
import RouseReview
import RouseWire

struct ReviewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "review",
    abstract: "Tell what came of the contacts of some weeks, and what to do about it.",
    discussion: """
      From the ledger: contacts and what followed, against what plans expected and the policy's targets; what contacts have \
      added against those held out; whether users have changed, and whether predictions hold. What matters comes first.

        rouse review --profile home/client.yaml
        rouse review --weeks 8 --new-user-cost 50 --by stage,channel,region_group
        rouse review --since 2026-01-01 --until 2026-04-01 --json > first.json
        rouse review --weeks 4 --html review.html

      An outcome counts for the latest contact before it, within the policy's review.window_days; contacts whose window has \
      not ended are counted and left out of rates. Each rate stands with its 95 % interval. On a terminal this is text; in \
      a pipe it is JSON, as proto-spec/review.md describes it.

      \(PageOptions.help)
      """)

  @OptionGroup(title: "Period") var past: PastOptions

  @Option(
    help: ArgumentHelp(
      "What one new user costs: recalling one should cost less than a quarter of it.", valueName: "money"))
  var newUserCost: Double?

  @Option(
    help: ArgumentHelp(
      "Which tables are shown, of \(ReviewSheet.dimensions.joined(separator: ", ")); by default, stage,channel.",
      valueName: "names"))
  var by: String?

  @Option(
    help: ArgumentHelp(
      "By the bins, targets and beliefs of this version of the policy; by default, the live one's.",
      valueName: "version"))
  var policyVersion: String?

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var page: PageOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    if let newUserCost, !(0...1e9).contains(newUserCost) {
      throw ValidationError("--new-user-cost is a number from 0 to 1000000000")
    }
    for name in dimensions where !ReviewSheet.dimensions.contains(name) {
      throw ValidationError("'\(name)' for --by is none of \(ReviewSheet.dimensions.joined(separator: ", "))")
    }
  }

  private var dimensions: [String] { (by ?? "stage,channel").split(separator: ",").map(String.init) }

  func run() async throws {
    let file = try page.file()
    var line = RequestLine("review")
    line.set("do", text: "period")
    past.set(on: &line)
    if let newUserCost { line.set("new_user_cost", json: "\(newUserCost)") }
    line.set("policy", text: policyVersion)
    let review = try await connection.client().answer(line, "review")
    try file?.commit(page: ReviewReport(review).html)
    guard output.isTable else { return try StandardOutput().write(review.json + "\n") }
    try StandardOutput().write(ReviewSheet(review, by: dimensions).text)
  }
}

extension Client {
  /// One request, and the member of its reply that is the answer.
  func answer(_ line: RequestLine, _ member: String) async throws -> JSONValue {
    let reply = try await Waiting.during("The server is at the \(member)") {
      try await withConnection { try await $0.request(line.line) }
    }
    guard let value = reply.value[member] else {
      throw ClientError.garbled("the server's answer has no '\(member)'; is it a newer version?")
    }
    return value
  }
}
