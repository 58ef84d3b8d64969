import ArgumentParser
import RouseClient
import RousePolicy
import RouseWire

/// The policies of a server: to look at, and to replace.
struct PolicyShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print the text of a server's policy, as it stands in its file.",
    discussion: """
        rouse policy show --profile home/client.yaml > live.yaml
        rouse policy show --profile home/client.yaml --policy-version cash-loan-recall@3f9c2a71d0e4

      Any of the versions that 'rouse policy history' lists can be shown.
      """)

  @Option(help: ArgumentHelp("Not the live one, but this.", valueName: "version"))
  var policyVersion: String?

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    var line = RequestLine("policy")
    line.set("do", text: "show")
    line.set("policy", text: policyVersion)
    let request = line
    let reply = try await connection.client().withConnection { try await $0.request(request.line) }
    try StandardOutput().write(reply.value["text"]?.text ?? "")
  }
}

struct PolicyHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List the policies that a server has had, the live one first.",
    discussion: """
        rouse policy history --profile home/client.yaml

      Requests may pin any of these (rouse rank --policy-version), and 'rouse policy show --policy-version' prints them.
      """)

  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() async throws {
    var line = RequestLine("policy")
    line.set("do", text: "history")
    let request = line
    let reply = try await connection.client().withConnection { try await $0.request(request.line) }
    guard output.isTable else { return try StandardOutput().write(line: reply.line) }
    var table = Table([.init(title: "policy"), .init(title: "since"), .init(title: "by"), .init(title: "")])
    let rows = (reply.value["versions"]?.items ?? []).map { version in
      ["policy", "since", "by"].map { harmless(version[$0]?.text ?? "") }
        + [version["live"]?.boolean == true ? "live" : ""]
    }
    table.fit(rows, width: nil)
    try StandardOutput().write(([table.header] + rows.map(table.line)).joined(separator: "\n") + "\n")
  }
}

struct PolicyActivate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activate",
    abstract: "Make a policy file the live policy of a server.",
    discussion: """
        rouse policy activate policy.yaml --profile home/client.yaml --against cash-loan-recall@3f9c2a71d0e4

      The server checks it, saves it in the place of its own file, and answers by it from the next request on; requests
      under way finish on the policy they began with. A faulty one changes nothing, and all its faults are shown.
      --against names the live policy that you have looked at (rouse policy history): if someone else has activated
      another since, nothing is changed. Without it, whichever is live is replaced.

        rouse policy activate policy.yaml --shadow --profile home/client.yaml

      With --shadow it decides beside the live policy on what is really asked, and nobody is told what it says; 'rouse policy \
      shadow' shows what it would have changed.
      """)

  @Argument(help: "YAML, or JSON by its name.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @Option(help: ArgumentHelp("The policy that this one is to replace.", valueName: "version"))
  var against: String?

  @Flag(help: "Not live: let it decide beside the live policy on real requests, unheard.")
  var shadow = false

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    if shadow, against != nil {
      throw ValidationError("--against names the policy that is replaced; with --shadow none is")
    }
  }

  func run() async throws {
    if shadow { return try await ShadowStart(file: file, connection: connection).run() }
    let bytes = try FileInput.contents(of: file)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(file): a policy is UTF-8 text, and this is not; save it as UTF-8")
    }
    let format = Document.Format(fileName: file)
    let file = file
    let against = against
    let reply = try await connection.client().withConnection { connection in
      var live = against
      if live == nil {
        var history = RequestLine("policy")
        history.set("do", text: "history")
        live = try await connection.request(history.line).value["policy"]?.text
      }
      var line = RequestLine("policy")
      line.set("do", text: "activate")
      line.set("format", text: format == .json ? "json" : "yaml")
      line.set("against", text: live)
      line.set("text", text: text)
      do {
        return try await connection.request(line.line)
      } catch ClientError.server(let fault) where !fault.diagnostics.isEmpty {
        StandardError.write(fault.diagnostics.map { $0.line(file: file) + "\n" }.joined())
        throw Failure(.server, fault.description)
      }
    }
    let now = reply.value["policy"]?.text ?? ""
    let was = reply.value["was"]?.text ?? ""
    try StandardOutput().write(
      now == was ? "\(harmless(now)) is live already\n" : "\(harmless(now)) is live; it was \(harmless(was))\n")
  }
}

extension PolicyFinding {
  /// As `rouse policy check` writes it.
  func line(file: String) -> String {
    var parts = [line.flatMap { line in column.map { "\(file):\(line):\($0)" } } ?? file, harmless(kind)]
    if !path.isEmpty { parts.append(harmless(path)) }
    return (parts + [harmless(message)]).joined(separator: ": ")
  }
}
