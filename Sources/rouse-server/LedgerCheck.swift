import ArgumentParser
import RouseLedger
import RouseServer
import RouseWire

struct LedgerCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Look the ledger's file through, and tell everything that is wrong with it.",
    discussion: """
        rouse-server ledger check --config home/server.yaml
        rouse-server ledger check --file nightly.sqlite

      Reads all of it, seconds a gigabyte, and changes nothing; the server may go on meanwhile. Check backups too.

      Prints "ok", or a line for each fault. Exit code 0: sound; 1: broken, so restore a backup; 2: usage, or the file cannot
      be read.
      """)

  @OptionGroup var source: LedgerSource

  @Flag(help: "The answer as JSON.")
  var json = false

  func run() throws {
    let (path, findings) = try source.with { (path) throws(LedgerError) -> (String, [String]) in
      do throws(LedgerError) {
        return (path, try LedgerFile.check(path))
      } catch {
        // So broken that it cannot be looked through.
        guard error.kind == .damaged else { throw error }
        return (path, [error.description])
      }
    }
    if json {
      let list = findings.map(JSONText.quoted).joined(separator: ",")
      print("{\"file\":\(JSONText.quoted(path)),\"sound\":\(findings.isEmpty),\"findings\":[\(list)]}")
    } else if findings.isEmpty {
      print("ok: \(path)")
    } else {
      for finding in findings { RouseServerCommand.complain(finding) }
    }
    if !findings.isEmpty { throw ExitCode(1) }
  }
}
