import ArgumentParser
import RouseServer

struct AuditShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print the audit log's last entries for reading.",
    discussion: "The file itself is one JSON object a line: jq reads it as it is. Nothing is checked; verify does that."
  )

  @OptionGroup var source: AuditSource

  @Option(help: ArgumentHelp("How many entries.", valueName: "count"))
  var last = 20

  func validate() throws {
    if !(1...1_000_000).contains(last) { throw ValidationError("--last is a number from 1 to 1000000") }
  }

  func run() throws {
    let file = try source.path()
    do throws(AuditError) {
      for line in try AuditListing.last(last, of: file) { print(line) }
    } catch {
      throw ConfigurationError(error.description)
    }
  }
}
