import ArgumentParser
import Foundation
import RouseCore
import RousePolicy
import RouseWire

@main
struct Kernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Runs one stage of the work on candidates again and again, alone on one thread.",
    discussion: """
      For profilers and for counting instructions: the count of many rounds less that of a few, divided by the \
      candidates between them, is what one candidate costs, whatever the start-up costs. `tools/bench kernels` does that.

      EXAMPLES
        kernels decode --policy policy.yaml --candidates users.ndjson --rounds 100
      """)

  enum Kernel: String, CaseIterable, ExpressibleByArgument {
    /// Lines to rows.
    case decode
    /// Rows to decisions, with all that a score answers.
    case score
    /// Lines to the answers of a score.
    case answer
    /// The same with `explain`.
    case explain
    /// The same with `valid_until`.
    case validUntil = "valid-until"
    /// Lines to what a rank keeps, repeated users found.
    case rank
    /// The same, the plan made under the policy's limits, and its contacts written.
    case plan
  }

  @Argument(help: "Which stage: \(Kernel.allCases.map(\.rawValue).joined(separator: ", ")).")
  var kernel: Kernel

  @ArgumentParser.Option(help: ArgumentHelp("The policy (YAML, or JSON by its name).", valueName: "file"))
  var policy: String

  @ArgumentParser.Option(help: ArgumentHelp("One candidate a line.", valueName: "file"))
  var candidates: String

  @ArgumentParser.Option(help: ArgumentHelp("How often all candidates are gone through.", valueName: "count"))
  var rounds = 1

  @ArgumentParser.Option(help: ArgumentHelp("The moment of the decisions, RFC 3339.", valueName: "time"))
  var asOf = "2026-03-01T02:00:00Z"

  @ArgumentParser.Option(help: ArgumentHelp("Contacts of a plan.", valueName: "count"))
  var limit: Int64 = 10_000

  @Flag(help: "Only the limit binds: the policy's other limits are lifted.")
  var onlyLimit = false

  func validate() throws {
    guard rounds >= 0 else { throw ValidationError("--rounds must be 0 or more") }
    guard limit >= 0 else { throw ValidationError("--limit must be 0 or more") }
  }

  func run() throws {
    guard let now = Moment.parse(asOf) else {
      throw ValidationError("--as-of must be a time like 2026-03-01T02:00:00Z, not '\(asOf)'")
    }
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: policy)))
    let compiled: Policy
    do throws(PolicyDiagnostics) {
      let definition = try PolicyReader.read(bytes, format: Document.Format(fileName: policy), overrides: [])
      compiled = Policy(definition, bytes: bytes)
    } catch {
      throw ValidationError(error.all.map { $0.line(file: policy) }.joined(separator: "\n"))
    }
    let lines = try Data(contentsOf: URL(fileURLWithPath: candidates))
    let bench = Bench(scorer: Scorer(policy: compiled, now: now), block: lines.withUnsafeBytes { Block($0) })
    var limits = PlanLimits(policy: compiled)
    if onlyLimit {
      limits.budget = nil
      limits.capital = nil
      limits.capacity = limits.capacity.map { _ in nil }
      limits.quotas = limits.quotas.map { _ in nil }
    }
    limits.limit = limit
    var done = 0
    switch kernel {
    case .decode: done = bench.decode(rounds)
    case .score: done = bench.score(rounds)
    case .answer: done = bench.answer(rounds, [])
    case .explain: done = bench.answer(rounds, .explain)
    case .validUntil: done = bench.answer(rounds, .validUntil)
    case .rank: done = bench.rank(rounds, limits, plans: false)
    case .plan: done = bench.rank(rounds, limits, plans: true)
    }
    print(done)
  }
}
