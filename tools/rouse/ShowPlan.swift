import ArgumentParser
import RouseClient
import RouseWire

struct ShowPlan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show a plan that a server keeps: its contacts, and what they came to.",
    discussion: """
      The contacts come in rank order, without users who have been erased since. On a terminal that is a table; in a pipe it \
      is JSON lines, the last one {"plan_id":…,"plan":…}.

        rouse plan P17 --profile home/client.yaml
        rouse plan P17 --profile home/client.yaml --out march.csv
        rouse plan P17 --profile home/client.yaml --out upload.csv --hash sha256 --hash-field email --normalise email

      \(ExportOptions.help)
      """)

  @Argument(help: "Its id, as 'rouse plans' lists it.")
  var plan: String

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Export") var export: ExportOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    var line = RequestLine("plan")
    line.set("plan_id", text: plan)
    let request = line
    let client = try connection.client()
    let summary: any RowSink = output.isTable ? TableSink(.rank(all: false)) : LineSink()
    let lookup = try export.lookup(input: nil, client: client)
    let list = try export.list(then: summary)
    let sink = list ?? summary
    let reply = try await client.withConnection { try await $0.request(request.line) { try sink.rows($0) } }
    try sink.finish(Array(JSONValue.object(reply.value.members.filter { $0.name != "ok" }).json.utf8))
    if let list, try await list.complete(lookup) > 0 { throw Failure(.invalidInput, "") }
  }
}
