import ArgumentParser
import RouseClient
import RouseWire

struct Info: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a server is: version, policy, limits, and who we are to it.",
    discussion: """
        rouse info --profile home/client.yaml
        rouse info --profile home/client.yaml --json
      """)

  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() async throws {
    let reply = try await connection.client().withConnection { try await $0.request(RequestLine("info").line) }
    guard output.isTable else { return try StandardOutput().write(line: reply.line) }
    var lines: [(String, String)] = []
    for member in reply.value.members where member.name != "ok" { Self.add(member.name, member.value, &lines) }
    try StandardOutput().write(titled(lines))
  }

  /// `limits.line_bytes`, and so on: an object's members stand one a line.
  private static func add(_ name: String, _ value: JSONValue, _ lines: inout [(String, String)]) {
    switch value {
    case .object(let members) where !members.isEmpty:
      for member in members { add("\(name).\(member.name)", member.value, &lines) }
    case .list(let items) where items.allSatisfy({ $0.text != nil }):
      lines.append((harmless(name), harmless(items.compactMap(\.text).joined(separator: ", "))))
    case .text(let text): lines.append((harmless(name), harmless(text)))
    default: lines.append((harmless(name), harmless(value.json)))
    }
  }
}
