import Foundation
import Testing

/// `rouse record`, `load` and `erase`: what goes out, and what a person is told.
@Suite struct ClientRecordTests {
  private static let totals =
    #"{"ok":true,"recorded":1,"replayed":1,"refused":{"gone":0,"conflict":1,"future":0,"too_old":0,"unknown_kind":0,"unknown_channel":0,"invalid":1}}"#

  /// Answers an event by the word that its key begins with.
  private static func ledger(_ totals: String = totals) throws -> StandIn {
    try StandIn { line in
      if line.contains("\"op\":\"record\"") { return "" }
      if line.contains("\"op\":\"fields\"") { return #"{"ok":true,"fields":[]}"# }
      if line.contains("\"op\":\"end\"") { return totals }
      if line.contains("\"op\":\"cancel\"") {
        return #"{"ok":false,"error":{"code":"cancelled","message":"cancelled"}}"#
      }
      guard line.hasPrefix("{\"key\":\""), let key = line.split(separator: "\"", maxSplits: 4).dropFirst(3).first else {
        return #"{"key":null,"result":"recorded"}"#
      }
      guard !key.hasSuffix("\\") else { return #"{"key":null,"result":"replayed"}"# }
      switch key.prefix(while: { $0 != "-" }) {
      case "bad": return #"{"key":"\#(key)","result":"invalid","at":"/channel","message":"a contact has a channel"}"#
      case "full": return #"{"ok":false,"error":{"code":"storage_failed","message":"no space"}}"#
      case let word: return #"{"key":"\#(key)","result":"\#(word)"}"#
      }
    }
  }

  private static func event(_ key: String) -> String {
    #"{"key":"\#(key)","user_id":"u1","kind":"login","at":"2026-03-01T02:10:00Z"}"#
  }

  @Test func refusedEventsHaveTheirPlace() throws {
    let server = try Self.ledger()
    let first = try server.write("\n\(Self.event("recorded-1"))\n  \n\(Self.event("bad-1"))", "a.ndjson")
    let second = try server.write("\(Self.event("replayed-1"))\r\n\r\n\(Self.event("conflict-1"))\n", "b.ndjson")
    let run = try ClientRun(["record", first, second] + server.flags)
    #expect(run.code == 1 && run.error.isEmpty, "\(run.error)")
    #expect(
      run.output == """
        \(first):4: invalid, key 'bad-1', at /channel: a contact has a channel
        \(second):3: conflict, key 'conflict-1': its key was used for another event

        Recorded  1 event
        Replayed  1, recorded before; they count once
        Refused
          invalid   1  it is no event
          conflict  1  its key was used for another event

        """, "\(run.output)")
    // Blank lines stay at home, and everything else goes as it stands.
    #expect(server.lines.first == #"{"op":"record","stream":true}"# && server.lines.last == #"{"op":"end"}"#)
    #expect(server.lines[2] == Self.event("bad-1") && server.lines.count == 6)
  }

  /// The second file's line 2 does not go on from the first one's line 1.
  @Test func aFileEndsARunOfLines() throws {
    let server = try Self.ledger()
    let first = try server.write(Self.event("recorded-1"), "a.ndjson")
    let second = try server.write("\n" + Self.event("bad-1"), "b.ndjson")
    let run = try ClientRun(["record", first, second] + server.flags)
    #expect(run.output.hasPrefix("\(second):2: invalid"), "\(run.output)")
  }

  @Test func allWell() throws {
    let totals = Self.totals.replacing("\"recorded\":1,\"replayed\":1", with: "\"recorded\":2,\"replayed\":0")
    let server = try Self.ledger(totals.replacing("\"conflict\":1", with: "\"conflict\":0"))
    let run = try ClientRun(
      ["record"] + server.flags, input: Self.event("recorded-1") + "\n" + Self.event("recorded-2"))
    #expect(run.code == 0 && run.output.hasPrefix("Recorded  2 events\n"), "\(run.output)\(run.error)")
  }

  @Test func json() throws {
    let server = try Self.ledger()
    let run = try ClientRun(
      ["record", "--json"] + server.flags, input: Self.event("recorded-1") + "\n" + Self.event("gone-1"))
    #expect(run.code == 1)
    #expect(
      run.output
        == "{\"key\":\"recorded-1\",\"result\":\"recorded\"}\n{\"key\":\"gone-1\",\"result\":\"gone\"}\n\(Self.totals)\n"
    )
  }

  /// Without a key an event that is sent again would count twice.
  @Test func aMissingKeyIsToldWithItsRemedy() throws {
    let server = try Self.ledger()
    let event = #"{"user_id":"u1","kind":"login","at":1772331000}"#
    let file = try server.write(event + "\n", "events.ndjson")
    let run = try ClientRun(["record", file] + server.flags)
    #expect(run.code == 2 && run.error.contains("\(file):1: ") && run.error.contains("--keys-from"), "\(run.error)")
    #expect(!server.lines.contains { $0.contains("user_id") })
  }

  @Test func keysFromLines() throws {
    let server = try Self.ledger()
    let input = """

      {"user_id":"u1","kind":"login","at":1772331000}
      {"key":"recorded-own","user_id":"u1","kind":"login","at":1772331000}
       { "user_id":"u2" , "x":"\\"key\\":"}
      {}
      ["key"]
      """
    let run = try ClientRun(["record", "--keys-from", "recorded-a\"b"] + server.flags, input: input)
    #expect(run.code == 0, "\(run.output)\(run.error)")
    #expect(
      Array(server.lines.dropFirst().dropLast()) == [
        #"{"key":"recorded-a\"b:2","user_id":"u1","kind":"login","at":1772331000}"#,
        #"{"key":"recorded-own","user_id":"u1","kind":"login","at":1772331000}"#,
        #"{"key":"recorded-a\"b:4", "user_id":"u2" , "x":"\"key\":"}"#, #"{"key":"recorded-a\"b:5"}"#, #"["key"]"#,
      ])
    let two = try ClientRun(["record", "--keys-from", "a", "one", "two"] + server.flags)
    #expect(two.code == 2 && two.error.contains("one file at a time"))
  }

  @Test func csvCellsAreTyped() throws {
    let server = try Self.ledger()
    let csv = """
      key,user_id,kind,at,channel,cost,amount
      recorded-1,007,contact,2026-03-01T02:10:00Z,sms,0.02,
      recorded-2,u2,disbursed,1772331000,,,500
      bad-3,u3,contact,1772331000,,,
      """
    let file = try server.write(csv, "events.csv")
    let run = try ClientRun(["record", file] + server.flags)
    #expect(run.code == 1 && run.output.contains("\(file), event 3: invalid"), "\(run.output)\(run.error)")
    #expect(
      Array(server.lines.dropFirst().dropLast()) == [
        #"{"key":"recorded-1","user_id":"007","kind":"contact","at":"2026-03-01T02:10:00Z","channel":"sms","cost":0.02}"#,
        #"{"key":"recorded-2","user_id":"u2","kind":"disbursed","at":1772331000,"amount":500}"#,
        #"{"key":"bad-3","user_id":"u3","kind":"contact","at":1772331000}"#,
      ])
    let slip = try ClientRun(["record", "--csv"] + server.flags, input: "key,user_id,kind,at,chanel\n")
    #expect(slip.code == 2 && slip.error.contains("did you mean 'channel'"), "\(slip.error)")
  }

  /// Whatever breaks it off, what was acknowledged is told, and that all may be sent again.
  @Test func aFailureMidway() throws {
    let server = try Self.ledger()
    let run = try ClientRun(
      ["record"] + server.flags, input: "\(Self.event("recorded-1"))\n\(Self.event("full-1"))\n")
    #expect(run.code == 3 && run.error.contains("storage_failed"), "\(run.error)")
    #expect(run.error.contains("recorded before that: 1 event; send all of them again"), "\(run.error)")
  }

  /// A file from outside makes no requests in our name.
  @Test(arguments: [
    "{\"op\":\"end\"}", "{\"user_id\":\"u1\", \"op\" : \"cancel\"}\r", "{\"key\":\"k\",\"\\u006fp\":\"\\u0065nd\"}",
  ])
  func aLineThatWouldEndTheStream(_ line: String) throws {
    for command in ["record", "load", "score", "rank"] {
      let server = try Self.ledger()
      let file = try server.write(
        Self.event("recorded-1") + "\n\n" + line + "\n{\"op\":\"erase\",\"users\":[\"u1\"]}\n", "input.ndjson")
      let run = try ClientRun([command, file, "--keys-from", "x"].prefix(command == "record" ? 4 : 2) + server.flags)
      #expect(run.code == 2 && run.error.contains("\(file):3: "), "\(run.error)")
      #expect(!server.lines.contains { $0.contains("erase") || $0 == line })
    }
    let csv = try Self.ledger()
    #expect(try ClientRun(["load", "--csv"] + csv.flags, input: "user_id,op\nu1,end\n").code == 2)
  }

  @Test func load() throws {
    let server = try StandIn { line in
      guard line.contains("\"op\":\"end\"") else { return "" }
      return
        #"{"ok":true,"loaded":3,"removed":1,"gone":1,"invalid":2,"first_invalid":3,"audience":1234}"#
    }
    let first = try server.write("{\"user_id\":\"a\"}\n\n{\"user_id\":\"b\"}\n", "a.ndjson")
    let second = try server.write("\n\n{\"user_id\":1.5}\n", "b.ndjson")
    let run = try ClientRun(["load", first, second, "--table"] + server.flags)
    #expect(run.code == 1 && run.error.isEmpty)
    #expect(
      run.output == """
        Loaded    3 candidates
        Removed   1, that were said to be gone
        Gone      1, erased for good, and not loaded
        Invalid   2, the first one at \(second):3
        Audience  1,234 candidates now

        """, "\(run.output)")
    #expect(server.lines.first == #"{"op":"load","stream":true}"# && server.lines.count == 5)
    let json = try ClientRun(["load", first, second] + server.flags)
    #expect(json.output.hasSuffix(",\"first_invalid_at\":\"\(second):3\"}\n"), "\(json.output)")
    let twice = try ClientRun(["load", "-", "-"] + server.flags)
    #expect(twice.code == 2 && twice.output.isEmpty)
    #expect(try ClientRun(["load", first, "/nowhere"] + server.flags).code == 2)
  }

  @Test func erase() throws {
    let server = try StandIn { _ in #"{"ok":true,"erased":2,"unknown":1}"# }
    let asked = try ClientRun(["erase", "u1"] + server.flags)
    #expect(asked.code == 2 && asked.error.contains("--yes") && server.lines.isEmpty, "\(asked.error)")
    let run = try ClientRun(["erase", "u\"1", "u2", "--yes", "--table"] + server.flags)
    #expect(run.code == 0 && run.output == "Erased   2 users\nUnknown  1\n", "\(run.output)\(run.error)")
    #expect(server.lines == [#"{"op":"erase","user_ids":["u\"1","u2"]}"#])
  }

  @Test(arguments: [
    ("txt", "a\n\n b \r\na\nc"),
    ("ndjson", "{\"user_id\":\"a\"}\n{\"user_id\":\"b\",\"x\":1}\n\n{\"user_id\":\"c\"}\n"),
    ("csv", "x,user_id\n1,a\n2,b\n3,c\n"),
  ])
  func eraseFromAFile(_ ending: String, _ text: String) throws {
    let server = try StandIn { _ in #"{"ok":true,"erased":1,"unknown":0}"# }
    let file = try server.write(text, "users.\(ending)")
    let run = try ClientRun(["erase", "--from", file, "--yes"] + server.flags)
    #expect(run.code == 0 && run.output == "{\"erased\":1,\"unknown\":0}\n", "\(run.error)")
    #expect(server.lines == [#"{"op":"erase","user_ids":["a","b","c"]}"#])
  }

  /// A thousand a request.
  @Test func eraseMany() throws {
    let server = try StandIn { _ in #"{"ok":true,"erased":900,"unknown":1}"# }
    let run = try ClientRun(
      ["erase", "--from", "-", "--yes"] + server.flags, input: (1...2001).map { "u\($0)\n" }.joined())
    #expect(run.output == "{\"erased\":2700,\"unknown\":3}\n", "\(run.error)")
    #expect(server.lines.count == 3 && server.lines[2] == #"{"op":"erase","user_ids":["u2001"]}"#)
    #expect(try ClientRun(["erase", "--from", "-", "--yes"] + server.flags).code == 2)
  }
}
