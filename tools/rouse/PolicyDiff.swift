import ArgumentParser
import RouseClient
import RousePolicy

struct PolicyDiff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "What one policy changes of another: values first, then lines.",
    discussion: """
        rouse policy diff new.yaml                 # against the live policy
        rouse policy diff new.yaml old.yaml        # two files, without a server
        rouse policy diff cash-loan-recall@3f9c2a71d0e4
        rouse policy diff live cash-loan-recall@eb2aa0cf209f --values

      Each of the two is a file, 'live', or a version. First come the values that differ, by their path: old → new; then \
      the lines, as diff -u writes them. Comments and layout are no values.

      Exit code 0: the two are the same. 1: they differ. 2 and more: they could not be compared.
      """)

  @Argument(help: "The new one: a file, live, or a version.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var new: String

  @Argument(help: "What it is compared with.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var old = "live"

  @Flag(help: "Only the values, not the lines.")
  var values = false

  @Flag(help: "One JSON object: changes, and the lines as text.")
  var json = false

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    let names = (new: new, old: old)
    let difference: PolicyDifference
    if NamedPolicy.isOfServer(new) || NamedPolicy.isOfServer(old) {
      difference = try await connection.client(otherwise: ", or name two files").withConnection { connection in
        let old = try await NamedPolicy(names.old, connection: connection)
        return PolicyDifference(old: old, new: try await NamedPolicy(names.new, connection: connection))
      }
    } else {
      let old = try await NamedPolicy(names.old, connection: nil)
      difference = PolicyDifference(old: old, new: try await NamedPolicy(names.new, connection: nil))
    }
    let output = StandardOutput()
    if json {
      try output.write(difference.json)
    } else if !difference.isSame {
      try output.write(difference.summary())
      if !values { try output.write("\n" + difference.unified) }
    }
    if !difference.isSame { throw Failure(.invalidInput, "") }
  }
}
