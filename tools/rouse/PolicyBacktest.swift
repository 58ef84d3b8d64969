import ArgumentParser
import RouseClient
import RousePolicy
import RouseWire

struct PolicyBacktest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backtest",
    abstract: "Estimate what another policy would have brought on the contacts that were made.",
    discussion: """
      Where the new policy does what was done, the outcome tells of it, and counts the more, the smaller the chance of the \
      contact was. Where it does otherwise, the log tells nothing; so this needs users who explore (experiment.explore).

        rouse policy backtest new.yaml --since 2026-01-01 --profile home/client.yaml
        rouse policy backtest new.yaml --weeks 12 --json

      No figure is given when fewer than 30 contacts of equal weight tell of the new policy, or when it would contact users in \
      a way that the old one never could have.
      """)

  @Argument(help: "YAML, or JSON by its name.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @OptionGroup(title: "Period") var past: PastOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    let bytes = try FileInput.contents(of: file)
    guard let policy = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(file): a policy is UTF-8 text, and this is not; save it as UTF-8")
    }
    var line = RequestLine("policy")
    line.set("do", text: "backtest")
    line.set("format", text: Document.Format(fileName: file) == .json ? "json" : "yaml")
    past.set(on: &line)
    line.set("text", text: policy)
    let request = line
    let backtest = try await Failure.ofPolicy(file) { try await connection.client().answer(request, "backtest") }
    try StandardOutput().write(output.isTable ? Self.text(backtest) : backtest.json + "\n")
  }

  private static func text(_ backtest: JSONValue) -> String {
    func count(_ value: JSONValue?) -> String { grouped(value?.whole ?? 0) }
    func amount(_ value: JSONValue?) -> String { value?.number.map { decimals($0) } ?? "not known" }
    func span(_ value: JSONValue?) -> String {
      value?["low"]?.number == nil ? "" : " (95 %: \(amount(value?["low"])) to \(amount(value?["high"])))"
    }
    let (log, new) = (backtest["log"], backtest["new"])
    var lines = [
      ("New policy", word(backtest["policy"])),
      (
        "Contacts",
        "\(count(log?["used"])) of \(count(log?["planned"])) planned can be used; \(count(log?["not_reported"])) were not "
          + "reported, \(count(log?["unfinished"])) are too recent, \(count(log?["other_channel"])) went over another channel, "
          + "\(count(log?["not_kept"])) are no longer kept"
      ),
      (
        "The new one",
        "does the same with \(count(new?["same"])), takes another channel with \(count(new?["other_channel"])) "
          + "(\(count(new?["unsupported"])) of them where the old one never could), leaves \(count(new?["none"])) alone"
      ),
      ("As it was", "\(amount(backtest["old"]?["mean"])) a contact\(span(backtest["old"]))"),
    ]
    if let estimate = backtest["estimate"], !estimate.isNull {
      lines.append(
        ("Old by itself", "\(amount(backtest["old"]?["snips"])) a contact, without limits and draws, by SNIPS"))
      lines.append(("New by itself", "\(amount(estimate["snips"])) a contact\(span(estimate)), by SNIPS"))
      lines.append(("", "\(amount(estimate["ips"])) a contact of the log, by IPS"))
      if let low = estimate["difference_low"], let high = estimate["difference_high"], low.number != nil {
        lines.append(("Difference", "\(amount(low)) to \(amount(high)) a contact (95 %), new less old, each by itself"))
      }
      lines.append(("Effective", "as much as \(decimals(backtest["effective"]?.number ?? 0)) contacts of equal weight"))
      let verdicts = ["better": "the new policy is better", "worse": "the new policy is worse"]
      lines.append(("Verdict", verdicts[backtest["verdict"]?.text ?? ""] ?? "not yet known which is better"))
    } else {
      lines.append(("New", "not known: " + harmless(backtest["why"]?.text ?? "")))
    }
    let blind = (backtest["blind"]?.items ?? []).map { "- " + harmless($0.text ?? "") + "\n" }.joined()
    return titled(lines) + "\nWhat this cannot see\n" + blind
  }
}

/// Money that may be small: as many digits as tell it apart.
private func decimals(_ value: Double) -> String {
  abs(value) >= 1 || value == 0 ? shownMoney(value) : String(Double(Int((value * 1e6).rounded())) / 1e6)
}
