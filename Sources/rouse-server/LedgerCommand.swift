import ArgumentParser
import RouseLedger
import RouseServer

struct LedgerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger",
    abstract: "Check the ledger's file, tell what it holds, or make it smaller.",
    subcommands: [LedgerCheck.self, LedgerCount.self, LedgerCompact.self])
}

/// Which ledger is meant.
struct LedgerSource: ParsableArguments {
  @Option(help: "The configuration that names it under ledger.", completion: .file(extensions: ["yaml"]))
  var config: String?

  @Option(help: "The ledger's file itself.", completion: .file(extensions: ["sqlite"]))
  var file: String?

  func validate() throws {
    if (file == nil) == (config == nil) { throw ValidationError("give either --config server.yaml or --file FILE") }
  }

  private func path() throws(ConfigurationError) -> String {
    if let file { return file }
    let config = config ?? ""
    guard let ledger = try Configuration.read(file: config).ledger else {
      throw ConfigurationError(
        "\(config): keeps no ledger; name a file under ledger, like ledger: {file: ledger.sqlite}")
    }
    return ledger.file
  }

  /// Does something with the file; what is in its way is said as the tool says it.
  func with<Answer>(_ body: (String) throws(LedgerError) -> Answer) throws(ConfigurationError) -> Answer {
    let path = try path()
    do throws(LedgerError) {
      return try body(path)
    } catch {
      throw ConfigurationError(error.description)
    }
  }
}

/// `12.3 MB`.
func shownSize(_ bytes: Int) -> String {
  let units = ["B", "kB", "MB", "GB", "TB"]
  var (whole, unit) = (Double(bytes), 0)
  while whole >= 999.95, unit < units.count - 1 {
    whole /= 1000
    unit += 1
  }
  let tenths = Int((whole * 10).rounded())
  return unit == 0 ? "\(bytes) B" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
}
