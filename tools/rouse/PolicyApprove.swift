import ArgumentParser
import Foundation
import RouseClient
import RouseWire

struct PolicyApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Make a policy live that someone else has put forward.",
    discussion: """
        rouse policy history                       # what waits, and by whom
        rouse policy diff cash-loan-recall@3f9c2a71d0e4
        rouse policy approve cash-loan-recall@3f9c2a71d0e4

      Where the server's configuration says 'policy_approval: required', what 'rouse policy activate' sends waits until \
      another identity than its author approves it. Who put it forward and what it changes is shown first; on a terminal it \
      asks, elsewhere it needs --yes. When another policy has become live meanwhile, nothing is changed.
      """)

  @Argument(help: "The version that waits.")
  var version: String

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    let (version, yes) = (version, yes)
    let outcome = try await connection.client().withConnection { connection in
      let history = try await PolicyVerdict.history(connection)
      let proposals = history["proposals"]?.items ?? []
      guard let proposal = proposals.first(where: { $0["policy"]?.text == version }) else {
        let waiting = proposals.compactMap { $0["policy"]?.text }.map(harmless).joined(separator: ", ")
        throw Failure(
          .server,
          "no policy \(harmless(version)) waits for an approval; "
            + (waiting.isEmpty ? "none does" : "these do: \(waiting)"))
      }
      let live = history["policy"]?.text ?? ""
      let old = try await NamedPolicy(live, connection: connection)
      let difference = PolicyDifference(old: old, new: try await NamedPolicy(version, connection: connection))
      StandardError.write(
        """
        \(harmless(version)), put forward by \(harmless(proposal["author"]?.text ?? "")) \
        on \(harmless(proposal["at"]?.text ?? "")), to replace \(harmless(proposal["against"]?.text ?? ""))
        \(difference.summary(most: 30))
        """)
      try PolicyVerdict.confirm("Approve it?", yes, otherwise: "nothing was approved")
      return try await PolicyVerdict.ask("approve", version, against: live, connection)
    }
    try StandardOutput().write(
      "\(harmless(outcome["policy"]?.text ?? "")) is live; it was \(harmless(outcome["was"]?.text ?? ""))\n")
  }
}

struct PolicyWithdraw: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "withdraw",
    abstract: "Take back a policy that waits for an approval.",
    discussion: """
        rouse policy withdraw cash-loan-recall@3f9c2a71d0e4

      Anyone may who may approve; its author too. What waits because the policy's file on the server was changed is put \
      beside it, as POLICY.withdrawn, and the live policy is put back in the file.
      """)

  @Argument(help: "The version that waits.")
  var version: String

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    let version = version
    let outcome = try await connection.client().withConnection {
      try await PolicyVerdict.ask("withdraw", version, against: nil, $0)
    }
    let author = harmless(outcome["author"]?.text ?? "")
    try StandardOutput().write("\(harmless(version)), put forward by \(author), waits no more\n")
  }
}

struct PolicyRollback: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback",
    abstract: "Make a policy live again that was live before.",
    discussion: """
        rouse policy rollback                      # the one before the live one
        rouse policy rollback cash-loan-recall@eb2aa0cf209f

      It is live for the next request, and needs no second person, for it has been live. What changes is shown first; on a \
      terminal it asks, elsewhere it needs --yes.
      """)

  @Argument(help: "The version; without it the one that was live before this one.")
  var version: String?

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    let (version, yes) = (version, yes)
    let outcome = try await connection.client().withConnection { connection in
      let history = try await PolicyVerdict.history(connection)
      let live = history["policy"]?.text ?? ""
      let former = (history["versions"]?.items ?? []).dropFirst() + (history["older"]?.items ?? [])
      guard let target = version ?? former.first?["policy"]?.text else {
        throw Failure(.server, "no policy is known to have been live before \(harmless(live))")
      }
      let old = try await NamedPolicy(live, connection: connection)
      let difference = PolicyDifference(old: old, new: try await NamedPolicy(target, connection: connection))
      StandardError.write("From \(harmless(live)) back to \(harmless(target)):\n\(difference.summary(most: 30))")
      try PolicyVerdict.confirm("Go back?", yes, otherwise: "nothing was changed")
      return try await PolicyVerdict.ask("rollback", target, against: live, connection)
    }
    let (now, was) = (harmless(outcome["policy"]?.text ?? ""), harmless(outcome["was"]?.text ?? ""))
    try StandardOutput().write(now == was ? "\(now) is live already\n" : "\(now) is live again; it was \(was)\n")
  }
}

/// What the commands share that decide about a server's versions.
private enum PolicyVerdict {
  static func history(_ connection: Connection) async throws -> JSONValue {
    var line = RequestLine("policy")
    line.set("do", text: "history")
    return try await connection.request(line.line).value
  }

  static func ask(
    _ verb: String, _ version: String, against: String?, _ connection: Connection
  ) async throws -> JSONValue {
    var line = RequestLine("policy")
    line.set("do", text: verb)
    line.set("policy", text: version)
    line.set("against", text: against)
    return try await connection.request(line.line).value
  }

  static func confirm(_ question: String, _ yes: Bool, otherwise: String) throws {
    if yes { return }
    guard Terminal.isInput, Terminal.isError else {
      throw Failure(.usage, "give --yes where nobody can be asked; \(otherwise)")
    }
    StandardError.write("\(question) Type yes: ")
    guard readLine()?.trimmingCharacters(in: .whitespaces).lowercased() == "yes" else {
      throw Failure(.usage, otherwise)
    }
  }
}
