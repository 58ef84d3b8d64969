import ArgumentParser
import RouseLedger
import RouseServer

struct Backup: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copy the ledger into a file, also while the server runs.",
    discussion: """
        rouse-server backup nightly.sqlite --config home/server.yaml

      The copy is of one moment, whole, on the disk, and readable for its owner alone; an existing file is not overwritten. It
      holds what the ledger holds, the ids of users too, so who is erased later stays in older backups: keep them no longer
      than you must. 'rouse-server ledger check --file' checks it, 'rouse-server restore' puts it back.
      """)

  @Argument(help: "The file to make.", completion: .file(extensions: ["sqlite"]))
  var target: String

  @OptionGroup var source: LedgerSource

  func run() throws {
    let target = target
    let stats = try source.with { (path) throws(LedgerError) -> LedgerStats in
      try LedgerFile.backup(path, to: target)
      return try LedgerFile.stats(target)
    }
    print(
      "\(target): \(shownSize(stats.bytes)), \(stats.events) events, \(stats.audience) candidates, \(stats.plans) plans"
    )
  }
}
