import ArgumentParser
import RouseCore
import RouseReview

/// Where rows to learn from are, and what their columns mean.
struct TrainingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Rows with outcomes, JSON lines or CSV (commas, semicolons or tabs): each a candidate with the columns below; or "
        + "'ledger', the server's own contacts and what came of them.", valueName: "file"), completion: .file())
  var from: String?

  @Flag(help: "The file is CSV, whatever its name.")
  var csv = false

  @Option(
    help: ArgumentHelp(
      "Whether the outcome came: true, yes or 1 against false, no or 0; or how far the user got: a step of the policy, "
        + "'click', or nothing.", valueName: "field"))
  var outcome = "outcome"

  @Option(
    help: ArgumentHelp("The value of --outcome that counts as one; repeatable. All others do not.", valueName: "value"))
  var outcomeIs: [String] = []

  @Option(help: ArgumentHelp("Whether the loan went bad; it trains the risk card. Empty: no loan.", valueName: "field"))
  var `default`: String?

  @Option(help: ArgumentHelp("The channel of the contact; without it, the policy's first.", valueName: "field"))
  var channel: String?

  @Option(
    help: ArgumentHelp(
      "When the contact was made: a field, or one time for all such as 2026-03-01T10:00:00+08:00. By default now.",
      valueName: "field or time"))
  var asOf: String?

  @Option(
    help: ArgumentHelp("The chance with which the row was contacted; it counts 1 / that much.", valueName: "field"))
  var propensity: String?

  @Option(help: ArgumentHelp("The arm: rows of 'holdout' are left out.", valueName: "field"))
  var arm: String?

  @Option(help: ArgumentHelp("How many rows it stands for.", valueName: "field"))
  var weight: String?

  @Option(help: ArgumentHelp("What was lent, or what the outcome brought, for profits.", valueName: "field"))
  var amount: String?

  @OptionGroup var adaptation: InputAdaptation

  func validate() throws {
    guard let asOf, let first = asOf.utf8.first, (0x30...0x39).contains(first), Moment.parse(asOf) == nil else {
      return
    }
    throw ValidationError(
      "'\(asOf)' for --as-of is no field and no RFC 3339 time with an offset, such as 2026-03-01T10:00:00+08:00")
  }

  /// Nothing is said about columns.
  var isPlain: Bool {
    !csv && outcome == "outcome" && outcomeIs.isEmpty && asOfField == nil && !adaptation.givesUserID
      && adaptation.setTime.isEmpty && [`default`, channel, propensity, arm, weight, amount].allSatisfy { $0 == nil }
  }

  /// The field of --as-of, or nil where it is a time or not given.
  var asOfField: String? { asOf.flatMap { Moment.parse($0) == nil ? $0 : nil } }

  /// Fields that are no characteristics.
  var labels: [String] {
    [outcome, `default`, channel, asOfField, propensity, arm, weight, amount, adaptation.id].compactMap { $0 } + [
      "user_id"
    ]
  }
}
