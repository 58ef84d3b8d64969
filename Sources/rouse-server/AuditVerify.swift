import ArgumentParser
import RouseServer

struct AuditVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that the audit log is as it was written.",
    discussion: """
      Each line has its number and the SHA-256 of the line before it. Whoever
      changes, removes or inserts a line must write anew all that follow; anything
      less is found here.

      What one file cannot show by itself: that its last lines were cut off, or
      that all of it was written anew. So keep the last hash somewhere else, where
      those who can write the file cannot write (verify prints it, and the server's
      log has it with each change), and give it back later: --head checks that the
      line with this hash is still there.

        rouse-server audit verify --config home/server.yaml
        rouse-server audit verify audit.ndjson --head 3f9c2a71d0e4…

      A line's hash without this program, here of line 12:
        sed -n 12p audit.ndjson | tr -d '\\n' | sha256sum

      Prints "ok: N entries, last HASH", or the first fault with its line. Exit
      code 0: sound; 1: broken; 2: usage, or the file cannot be read. The server
      may go on meanwhile.
      """)

  @OptionGroup var source: AuditSource

  @Option(help: ArgumentHelp("A line with this SHA-256 must be there: 64 hexadecimal digits.", valueName: "hash"))
  var head: String?

  func validate() throws {
    guard let head else { return }
    guard head.utf8.count == 64, head.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
      throw ValidationError("--head is a line's hash: 64 hexadecimal digits, as verify prints it after 'last'")
    }
  }

  func run() throws {
    let file = try source.path()
    let outcome: AuditVerification.Outcome
    do throws(AuditError) {
      outcome = try AuditVerification.run(file: file, head: head?.lowercased())
    } catch {
      throw ConfigurationError(error.description)
    }
    switch outcome {
    case .sound(let entries, let last, let headLine):
      let found = headLine.map { "; --head is line \($0)" } ?? ""
      print("ok: \(entries) entries, last \(last.hash)\(found)")
    case .broken(let line, let reason):
      RouseServerCommand.complain("\(file):\(line): \(reason)")
      throw ExitCode(1)
    }
  }
}
