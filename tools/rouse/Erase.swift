import ArgumentParser
import Foundation
import RouseClient
import RouseWire

struct Erase: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a server forget users for good.",
    discussion: """
      Takes users out of the audience, the contacts, the outcomes and the plans; what they were part of stays counted, \
      without them. Events and candidates of the same user_id are refused from then on. This cannot be undone.

        rouse erase --profile home/client.yaml u1 u2
        rouse erase --profile home/client.yaml --from users.txt --yes

      A file has one user_id a line; or JSON objects (.ndjson, .jsonl) or CSV (.csv) that carry a user_id. On a terminal it \
      asks first; elsewhere it needs --yes. Users who are not known count as unknown, and erasing again changes nothing.
      """)

  @Argument(help: "The user_id of each.")
  var users: [String] = []

  @Option(
    help: ArgumentHelp("Their user_ids, one a line; - for standard input.", valueName: "file"), completion: .file())
  var from: String?

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  /// Users a request.
  private static let batch = 1000

  func validate() throws {
    if users.isEmpty == (from == nil) { throw ValidationError("give either users or --from FILE") }
  }

  func run() async throws {
    let client = try connection.client()
    let ids = try from.map(UserList.read) ?? users
    if ids.isEmpty { throw Failure(.usage, "\(from ?? "") names no user") }
    try confirm(ids)
    let progress = Progress(.user, sharesTerminal: false)
    let (erased, unknown) = try await client.withConnection { connection in
      var sums = (erased: 0, unknown: 0)
      for start in stride(from: 0, to: ids.count, by: Self.batch) {
        let part = ids[start..<min(start + Self.batch, ids.count)]
        var request = RequestLine("erase")
        request.set("user_ids", json: JSONValue.list(part.map(JSONValue.text)).json)
        do {
          let reply = try await connection.request(request.line).value
          sums.erased += reply["erased"]?.whole ?? 0
          sums.unknown += reply["unknown"]?.whole ?? 0
        } catch let error as ClientError where start > 0 {
          StandardError.write("rouse: the first \(Subject.user.count(start)) are done; erase all of them again\n")
          throw error
        }
        progress.add(part.count, share: Double(part.endIndex) / Double(ids.count))
      }
      progress.finish()
      return sums
    }
    guard output.isTable else {
      return try StandardOutput().write("{\"erased\":\(erased),\"unknown\":\(unknown)}\n")
    }
    var lines = [("Erased", Subject.user.count(erased))]
    if unknown > 0 { lines.append(("Unknown", grouped(unknown))) }
    try StandardOutput().write(titled(lines))
  }

  private func confirm(_ ids: [String]) throws {
    if yes { return }
    guard Terminal.isInput, Terminal.isError else {
      throw Failure(.usage, "erasing cannot be undone; give --yes where nobody can be asked")
    }
    let whom = ids.count == 1 ? "the user '\(harmless(ids[0]))'" : Subject.user.count(ids.count)
    StandardError.write("Erase \(whom) for good? Type yes: ")
    guard readLine()?.trimmingCharacters(in: .whitespaces).lowercased() == "yes" else {
      throw Failure(.usage, "nothing was erased")
    }
  }
}

/// A file of user_ids.
private enum UserList {
  static func read(_ path: String) throws -> [String] {
    let input = try FileInput(path, of: .user)
    let name = path.lowercased()
    let isCSV = InputOptions.isCSV(path, false)
    let isJSON = isCSV || name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl")
    let source: any CandidateSource = isCSV ? try CSVSource(input, kinds: [:]) : LineSource(input)
    var ids: [String] = []
    var known: Set<[UInt8]> = []
    while let part = try source.next() {
      for (index, bytes) in part.block.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
        let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(
          in: CharacterSet(charactersIn: " \t\r\u{FEFF}"))
        if line.isEmpty { continue }
        guard let id = isJSON ? JSONValue(bytes)?.userID : line else {
          throw Failure(.usage, "\(source.place(ofLine: part.firstLine + index)): no user_id; nothing was erased")
        }
        if known.insert(Array(id.utf8)).inserted { ids.append(id) }
      }
    }
    return ids
  }
}

extension JSONValue {
  /// Of a candidate or a row: a text, or a whole number as it is spelled.
  var userID: String? { self["user_id"].flatMap { $0.text ?? $0.whole.map(String.init) } }
}
