import ArgumentParser
import RouseClient

struct Fields: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a candidate may carry, and what the reason codes say.",
    discussion: """
      Lists the fields of the server's policy: names, types, and the points that a missing value costs or brings.

        rouse fields --profile home/client.yaml
      """)

  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() async throws {
    let reply = try await connection.client().withConnection { try await $0.request(RequestLine("fields").line) }
    guard output.isTable else { return try StandardOutput().write(line: reply.line) }
    var fields = Table([
      .init(title: "field"), .init(title: "type"), .init(title: "response if missing", isNumber: true),
      .init(title: "risk if missing", isNumber: true),
    ])
    let rows = (reply.value["fields"]?.items ?? []).map { field in
      [
        harmless(field["name"]?.text ?? ""),
        harmless((field["type"]?.text ?? "") + (field["kind"]?.text == "times_ahead" ? ", may lie ahead" : "")),
        field["response_missing"]?.whole.map(signed) ?? "", field["risk_missing"]?.whole.map(signed) ?? "",
      ]
    }
    fields.fit(rows, width: nil)
    var text = ([fields.header] + rows.map(fields.line)).joined(separator: "\n") + "\n"

    var codes = Table([.init(title: "code"), .init(title: "what it says", isElastic: true)])
    let reasons = (reply.value["reasons"]?.members ?? []).map { [harmless($0.name), harmless($0.value.text ?? "")] }
    codes.fit(reasons, width: Terminal.width)
    if !reasons.isEmpty { text += "\n" + ([codes.header] + reasons.map(codes.line)).joined(separator: "\n") + "\n" }
    try StandardOutput().write(text)
  }
}
