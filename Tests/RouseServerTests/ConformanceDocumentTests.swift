import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// What the pages of the specification say of codes and limits, and their examples, against the code.
@Suite struct ConformanceDocumentTests {
  @Test func errorsInOrderOfPrecedence() throws {
    let table = try #require(try MarkdownTable.all("errors.md").first)
    #expect(table.heading.first == "code")
    #expect(table.rows.map { $0[0] } == ErrorCode.allCases.map(\.rawValue))
    for (row, code) in zip(table.rows, ErrorCode.allCases) {
      #expect(row[3].hasPrefix("closed") == code.closes, "\(code)")
      #expect(row[3].hasPrefix("kept") != code.closes, "\(code)")
    }
  }

  private static let limits = Result { try #require(try MarkdownTable.all("limits.md").first).rows }

  /// Of the machine, or none.
  private static let withoutDefault: Set<String> = ["rank_bytes", "requests_per_second"]

  @Test func limitsAndTheirDefaults() throws {
    let rows = try Self.limits.get()
    let all = Configuration.Limits().all
    #expect(rows.map { $0[0] } == all.map(\.name))
    for (row, limit) in zip(rows, all) where !Self.withoutDefault.contains(limit.name) {
      #expect(Int(row[1]) == limit.value, "\(limit.name)")
    }
  }

  /// `server.yaml` as `init` writes it names them all, some as a comment.
  @Test func limitsOfAHome() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    _ = try Home.make(at: folder.path, now: wallClock())
    let lines = try String(contentsOf: folder.appending(path: "server.yaml"), encoding: .utf8)
      .components(separatedBy: "\n")
    for row in try Self.limits.get() {
      let own = lines.first { $0.hasPrefix("  \(row[0]): ") || $0.hasPrefix("  # \(row[0]): ") }
      let value = own?.split(separator: ":").last?.split(separator: " ").first.map(String.init)
      #expect(value == row[1] || Self.withoutDefault.contains(row[0]) && value != nil, "\(row[0])")
    }
  }

  /// The least and the greatest value are taken, and nothing beyond.
  @Test func rangesOfLimits() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "server.yaml").path
    func isTaken(_ name: String, _ value: Int) throws -> Bool {
      // The longest line bounds what unfinished lines may share.
      let others = name == "unfinished_bytes" ? "\n  line_bytes: 1024" : ""
      let text =
        "listen: 127.0.0.1:0\npolicy: p.yaml\ntls: {certificate: a, key: b}\nlimits:\n  \(name): \(value)\(others)\n"
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      return (try? Configuration.read(file: file))?.limits.all.first { $0.name == name }?.value == value
    }
    for row in try Self.limits.get() {
      let range = row[2].components(separatedBy: "..").compactMap { Int($0) }
      #expect(range.count == 2, "\(row[0])")
      guard range.count == 2 else { continue }
      for (value, wanted) in [(range[0], true), (range[0] - 1, false), (range[1], true), (range[1] + 1, false)] {
        #expect(try isTaken(row[0], value) == wanted, "\(row[0]): \(value)")
      }
    }
  }

  /// Each block is a conversation, answered as it stands there; messages too.
  @Test func examplesOfTheProtocol() throws {
    let blocks = try MarkdownTable.blocks("wire", of: "protocol.md")
    #expect(blocks.count >= 4)
    for block in blocks {
      let lines = block.split(separator: "\n").map(String.init)
      let harness = try SessionHarness()
      for line in lines where line.hasPrefix("> ") {
        harness.send(String(line.dropFirst(2)) + "\n")
        harness.settle()
      }
      let wanted = lines.filter { $0.hasPrefix("< ") }.map { $0.dropFirst(2) + "\n" }.joined()
      #expect(firstDifference(harness.text, wanted) == nil)
    }
  }

  /// The blocks that need a ledger are one conversation, from an empty one on.
  @Test func examplesOfTheLedger() throws {
    let blocks = try MarkdownTable.blocks("wire-ledger", of: "protocol.md")
    #expect(blocks.count >= 5)
    let harness = SessionHarness(
      try SessionHarness.World(roles: Set(Configuration.Role.allCases), keepsLedger: true))
    let lines = blocks.joined().split(separator: "\n").map(String.init)
    for line in lines where line.hasPrefix("> ") {
      harness.send(String(line.dropFirst(2)) + "\n")
      harness.settle()
    }
    let wanted = lines.filter { $0.hasPrefix("< ") }.map { $0.dropFirst(2) + "\n" }.joined()
    #expect(firstDifference(harness.text, wanted) == nil)
  }

  /// What the pages name of the ledger: kinds, results, and what `server.yaml` may say.
  @Test func theLedgersWords() throws {
    func names(_ rows: [[String]]) -> [String] {
      rows.flatMap { $0[0].split(separator: ",").map { $0.filter { $0 != "`" && $0 != " " } } }
    }
    let kinds = try #require(try MarkdownTable.all("ledger.md").first { $0.heading.first == "kind" })
    let fixed = kinds.rows.filter { !$0[0].hasPrefix("a step") }
    #expect(fixed.count == kinds.rows.count - 1)
    #expect(Set(names(fixed)) == Set(EventKind.fixed.map(\.name)))
    let results = try #require(try MarkdownTable.all("protocol.md").first { $0.heading.first == "result" })
    #expect(Set(names(results.rows)) == Set(EventResult.allCases.map(\.rawValue)))
    #expect(results.rows.count == EventResult.allCases.count)

    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "server.yaml").path
    let blocks = try MarkdownTable.blocks("yaml", of: "ledger.md")
    #expect(blocks.count == 1)
    for block in blocks {
      try "listen: 127.0.0.1:0\npolicy: p.yaml\ntls: {certificate: a, key: b}\n\(block)"
        .write(toFile: file, atomically: true, encoding: .utf8)
      #expect(try Configuration.read(file: file).ledger != nil)
    }
  }

  /// Those whose answers depend on the server, by their shape.
  @Test func shapesOfTheProtocol() throws {
    let schemas = try JSONSchema.specification.get()
    let blocks =
      try ["wire", "wire-shape", "wire-ledger"].flatMap { try MarkdownTable.blocks($0, of: "protocol.md") }
    #expect(blocks.count >= 13)
    for line in blocks.joined().split(separator: "\n").map(String.init) {
      guard line.hasPrefix("< ") || line.hasPrefix("> {\"op\":") else { continue }
      let value = try JSONNode(line.dropFirst(2).utf8)
      if line.hasPrefix("< ") {
        #expect(schemas.fault(value, "reply.schema.json") == nil, "\(line)")
      } else if !line.contains("bugdet"), !line.contains("\"some\"") {
        #expect(schemas.fault(value, "request.schema.json") == nil, "\(line)")
      }
    }
  }

  /// What no vector can hold byte for byte, because it depends on the server.
  @Test func answersThatVary() throws {
    let schemas = try JSONSchema.specification.get()
    let text = try JSONText.quoted(Vectors.text("bad-policies/base.yaml"))
    let cases = [
      (#"{"op":"info","id":1}"#, "info"), (#"{"op":"fields"}"#, "fields"),
      (#"{"op":"policy","do":"show"}"#, "policy.show"),
      (#"{"op":"policy","do":"history"}"#, "policy.history"),
      (#"{"op":"policy","do":"check","text":""}"#, "policy.check"),
      (#"{"op":"policy","do":"check","text":\#(text)}"#, "policy.check"),
      (#"{"op":"policy","do":"check","format":"json","text":"{}"}"#, "policy.check"),
      (#"{"op":"policy","do":"activate","against":"x","text":""}"#, "policy.activate"), (#"{"op":"ping"}"#, "ping"),
    ]
    for (line, file) in cases {
      let answer = try SessionHarness.answer(line, roles: [.score, .tune])
      #expect(schemas.fault(try JSONNode(answer.utf8), "reply.\(file).schema.json") == nil, "\(answer.prefix(300))")
    }
    let harness = try SessionHarness()
    harness.drain()
    #expect(schemas.fault(try JSONNode(harness.text.utf8), "event.goodbye.schema.json") == nil)
  }
}
