import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct MakeCandidates: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-candidates",
    abstract: "Makes up realistic borrowers for the cash-loan-recall policy, one JSON object a line.",
    discussion: """
      All ten stages, every suppress and knock-out rule, contact histories and, unless you ask for --clean, \
      about 0.2 % broken lines and 0.1 % repeated ids, so that a ranking shows who was left out and why. \
      The same seed and moment give the same bytes; line N does not depend on how many are made.

      EXAMPLES
        make-candidates > users.ndjson
        rouse rank --as-of 2026-03-01T02:00:00Z users.ndjson
        make-candidates --count 10000000 --benchmark --output big.ndjson
      """)

  @Option(help: ArgumentHelp("How many lines.", valueName: "lines"))
  var count = 5000

  @Option(help: ArgumentHelp("A whole number; another one gives other people.", valueName: "number"))
  var seed: UInt64 = 20_260_301

  @Option(help: ArgumentHelp("The moment the lives are told from, RFC 3339.", valueName: "time"))
  var asOf = "2026-03-01T02:00:00Z"

  @Flag(help: "No broken lines, no repeated ids, no values of a wrong kind.")
  var clean = false

  @Flag(help: "Every line of one shape: 18 values in about 374 bytes, and clean.")
  var benchmark = false

  @Option(help: ArgumentHelp("Where to write; standard output when not given.", valueName: "file"))
  var output: String?

  func validate() throws {
    guard (0...1_000_000_000_000).contains(count) else {
      throw ValidationError("--count must be 0 or more, and at most 10^12")
    }
    guard let now = Calendar.parse(asOf) else {
      throw ValidationError("--as-of must be a time like 2026-03-01T02:00:00Z, not '\(asOf)'")
    }
    guard Calendar.years.contains(Calendar.year(of: now)) else {
      throw ValidationError(
        "--as-of must lie in the years \(Calendar.years.lowerBound) to \(Calendar.years.upperBound)")
    }
  }

  func run() throws {
    guard let now = Calendar.parse(asOf) else { return }
    var out = try Output(path: output, calendar: Calendar(around: now))
    let borrowers = Borrowers(Wanted(now: now, seed: seed, clean: clean, benchmark: benchmark))
    for index in 0..<count {
      try borrowers.write(index, to: &out)
      if out.closed { return }
    }
    try out.finish()
  }
}

@main
enum Main {
  static func main() {
    do {
      var command = try MakeCandidates.parseAsRoot()
      try command.run()
    } catch let error as OutputError {
      complain(error.message, code: 1)
    } catch {
      // Help and the like are no mistakes; everything else that is thrown here is a mistake in the flags.
      let message = MakeCandidates.message(for: error)
      guard MakeCandidates.exitCode(for: error) == .success else {
        complain(message.split(separator: "\n").first.map(String.init) ?? "bad flags", code: 2)
      }
      print(MakeCandidates.fullMessage(for: error))
    }
  }

  private static func complain(_ message: String, code: Int32) -> Never {
    let line = "make-candidates: \(message)\(code == 2 ? " (try --help)" : "")\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(code)
  }
}
