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
        rouse policy show --profile home/client.yaml \\
            --policy-version cash-loan-recall@3f9c2a71d0e4

      Any of the versions that 'rouse policy history' lists can be shown, those too that wait for an approval.

        rouse policy show --effective --profile home/client.yaml
        rouse policy show --effective policy.yaml --set plan.budget=500

      --effective shows every value in force instead, those that nobody wrote too, and where each stands: \
      LINE:COLUMN, default, or --set. With a file it needs no server.
      """)

  @Argument(
    help: "With --effective: not a server's policy, but this file.",
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String?

  @Flag(help: "Every value in force and where it stands.")
  var effective = false

  @Option(
    help: ArgumentHelp(
      "With --effective: change a value first; repeatable. The value is JSON.", valueName: "path=json"))
  var set: [String] = []

  @Flag(help: "With --effective: a JSON line for each value.")
  var json = false

  @Option(help: ArgumentHelp("Not the live one, but this.", valueName: "version"))
  var policyVersion: String?

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    if !effective, file != nil || !set.isEmpty || json {
      throw ValidationError("FILE, --set and --json are for --effective; give that too")
    }
  }

  func run() async throws {
    if effective, let file {
      let bytes = try FileInput.contents(of: file)
      return try PolicyEffective(bytes, format: Document.Format(fileName: file), file: file, set: set)
        .write(asJSON: json)
    }
    var line = RequestLine("policy")
    line.set("do", text: "show")
    line.set("policy", text: policyVersion)
    let request = line
    let reply = try await connection.client().withConnection { try await $0.request(request.line) }
    let text = reply.value["text"]?.text ?? ""
    if effective {
      let format: Document.Format = reply.value["format"]?.text == "json" ? .json : .yaml
      let version = harmless(reply.value["policy"]?.text ?? "the live policy")
      return try PolicyEffective(Array(text.utf8), format: format, file: version, set: set).write(asJSON: json)
    }
    try StandardOutput().write(text)
  }
}

struct PolicyHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List the policies that a server has had, the live one first.",
    discussion: """
        rouse policy history --profile home/client.yaml

      What waits for an approval stands first (rouse policy approve), then the live one and those before it since the \
      server started, which requests may pin (rouse rank --policy-version), then older ones that the ledger has kept. \
      'rouse policy show --policy-version', 'diff' and 'rollback' take any of them.
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
    // What waits first: someone should look at it.
    var rows = (reply.value["proposals"]?.items ?? []).map { proposal in
      let against = proposal["against"]?.text
      let stands = against == reply.value["policy"]?.text
      return ["policy", "at", "author"].map { harmless(proposal[$0]?.text ?? "") }
        + [stands ? "waits for an approval" : "waits, but was to replace \(harmless(against ?? ""))"]
    }
    for version in reply.value["versions"]?.items ?? [] {
      let author = version["author"]?.text.map { ", put forward by \(harmless($0))" } ?? ""
      rows.append(
        ["policy", "since"].map { harmless(version[$0]?.text ?? "") }
          + [harmless(version["by"]?.text ?? "") + author, version["live"]?.boolean == true ? "live" : ""])
    }
    for version in reply.value["older"]?.items ?? [] {
      rows.append(["policy", "since", "by"].map { harmless(version[$0]?.text ?? "") } + ["from the ledger"])
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
        rouse policy activate policy.yaml --profile home/client.yaml \\
            --against cash-loan-recall@3f9c2a71d0e4

      The server checks it, saves it in the place of its own file, and answers by it from the next request on; requests \
      under way finish on the policy they began with. A faulty one changes nothing, and all its faults are shown.

      --against names the live policy that you have looked at (rouse policy history): if someone else has activated \
      another since, nothing is changed. Without it, whichever is live is replaced. Where the server's configuration says \
      'policy_approval: required', it waits until someone else approves it (rouse policy approve).

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
      let request = line
      return try await Failure.ofPolicy(file) { try await connection.request(request.line) }
    }
    let now = reply.value["policy"]?.text ?? ""
    let was = reply.value["was"]?.text ?? ""
    if reply.value["state"]?.text == "proposed" {
      return try StandardOutput().write(
        "\(harmless(now)) is proposed; another person approves it with: rouse policy approve \(harmless(now))\n")
    }
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
