import ArgumentParser
import RouseLedger
import RouseServer

struct Restore: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put a backup in the place of the ledger.",
    discussion: """
        rouse-server restore nightly.sqlite --config home/server.yaml

      The server must not run: it has the file, and it is refused. The backup is checked first, and the ledger that was there
      is kept beside it. What was recorded after the backup was made is not in it: send it again, and erase again whom you
      have erased since.
      """)

  @Argument(help: "A file that 'rouse-server backup' has made.", completion: .file(extensions: ["sqlite"]))
  var backup: String

  @OptionGroup var source: LedgerSource

  func run() throws {
    let backup = backup
    let (path, former) = try source.with { (path) throws(LedgerError) -> (String, String?) in
      (path, try LedgerFile.restore(from: backup, to: path))
    }
    print("restored \(path) from \(backup)" + (former.map { "; what was there is \($0)" } ?? ""))
  }
}
