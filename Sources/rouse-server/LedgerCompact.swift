import ArgumentParser
import RouseLedger
import RouseServer

struct LedgerCompact: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Give the room back that nothing in the ledger's file takes any more.",
    discussion: """
      For after large erasures or a shorter retention. The server must not run: it has the file, and it is refused. Needs
      room for a second copy while it works; the old file stays until the new one is whole.
      """)

  @OptionGroup var source: LedgerSource

  func run() throws {
    let (before, after) = try source.with { (path) throws(LedgerError) in try LedgerFile.compact(path) }
    print("\(shownSize(before)) before, \(shownSize(after)) now")
  }
}
