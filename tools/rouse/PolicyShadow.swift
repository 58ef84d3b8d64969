import ArgumentParser
import RouseClient
import RousePolicy
import RouseWire

struct PolicyShadow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shadow",
    abstract: "What the policy beside the live one would have changed so far.",
    discussion: """
        rouse policy activate new.yaml --shadow --profile home/client.yaml
        rouse policy shadow --profile home/client.yaml
        rouse policy shadow --off --profile home/client.yaml

      A shadow decides on the candidates of real scores and ranks after they have been answered, with nobody waiting for it: \
      as far as the server has nothing better to do. What does not fit its queue is counted as dropped. No plan is made, so \
      whoever is eligible counts as contacted, and a user who is asked for twice counts twice.

      It begins anew when another policy becomes live, and ends with --off, when it becomes live itself, and when the server \
      stops. --off shows what was gathered for the last time.
      """)

  @Flag(help: "End it, and show what it gathered.")
  var off = false

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    var line = RequestLine("policy")
    line.set("do", text: "shadow")
    if off { line.set("shadow", json: "false") }
    let request = line
    let reply = try await connection.client().withConnection { try await $0.request(request.line) }
    guard output.isTable else {
      let members = reply.value.members.filter { !["id", "ok"].contains($0.name) }
      return try StandardOutput().write(line: Array(JSONValue.object(members).json.utf8))
    }
    try StandardOutput().write(ShadowReport(reply.value, isOver: off).text)
  }
}

/// What a shadow has gathered, for a terminal.
struct ShadowReport {
  private let answer: JSONValue
  private let isOver: Bool

  init(_ answer: JSONValue, isOver: Bool) {
    self.answer = answer
    self.isOver = isOver
  }

  var text: String {
    guard let shadow = answer["shadow"], !shadow.isNull else {
      return
        "\(word(answer["policy"])) is live, and no policy decides beside it; 'rouse policy activate FILE --shadow' "
        + "begins one\n"
    }
    func count(_ name: String) -> String { grouped(shadow[name]?.whole ?? 0) }
    var lines = [
      ("Shadow", "\(word(shadow["policy"])) beside \(word(answer["policy"]))\(isOver ? "; it is over now" : "")"),
      ("Begun", "\(harmless(shownMoment(shadow["begun"]?.text))) by \(word(shadow["by"]))"),
    ]
    if shadow["since"]?.text != shadow["begun"]?.text {
      lines.append(
        ("Anew", "since \(harmless(shownMoment(shadow["since"]?.text))), for another policy has become live"))
    }
    let left = [("dropped", "dropped"), ("skipped", "of other policies, or gone"), ("waiting", "waiting")].filter {
      shadow[$0.0]?.whole != 0
    }.map { "\(count($0.0)) \($0.1)" }
    lines.append(
      ("Seen", "\(count("seen")) candidates, \(count("compared")) compared" + left.map { ", " + $0 }.joined()))
    let head = titled(lines)
    guard let comparison = answer["comparison"], !comparison.isNull else {
      return head + "Nothing has been compared so far: it sees what is asked from now on\n"
    }
    return head + "\n" + ComparisonReport(comparison).text
  }
}

/// `rouse policy activate --shadow`.
struct ShadowStart {
  let file: String
  let connection: ConnectionOptions

  func run() async throws {
    let bytes = try FileInput.contents(of: file)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(file): a policy is UTF-8 text, and this is not; save it as UTF-8")
    }
    var line = RequestLine("policy")
    line.set("do", text: "activate")
    line.set("shadow", json: "true")
    line.set("format", text: Document.Format(fileName: file) == .json ? "json" : "yaml")
    line.set("text", text: text)
    let request = line
    let reply = try await Failure.ofPolicy(file) {
      try await connection.client().withConnection { try await $0.request(request.line) }
    }
    try StandardOutput().write(
      "\(word(reply.value["shadow"]?["policy"])) decides beside \(word(reply.value["policy"])), unheard; 'rouse policy "
        + "shadow' tells what it would change\n")
  }
}
