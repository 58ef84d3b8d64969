import Foundation
import TestData
import Testing

@testable import RouseCore

/// `rouse part`, as a cluster runs it: candidates in several pieces come to the list of all of them.
@Suite struct ClientPartTests {
  private static let policy = ["--policy", Vectors.folder.appending(path: "policy.yaml").path]

  private static func rouse(_ arguments: [String], _ input: [UInt8] = []) throws -> ServerProcess.Ended {
    try ServerProcess.run("rouse", ["part"] + arguments, input: input, environment: ["ROUSE_PROFILE": ""])
  }

  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
  }

  private static func frames(_ bytes: [UInt8]) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    var at = 0
    while at + 8 <= bytes.count {
      let count = Int(bytes[at..<(at + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      frames.append(Array(bytes[(at + 8)..<(at + 8 + count)]))
      at += 8 + count
    }
    return frames
  }

  /// The golden candidates, cut anywhere but within a line.
  private static func parts(_ count: Int, _ settings: [String], rows: String = "all") throws -> [[UInt8]] {
    let lines = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A, omittingEmptySubsequences: false)
    return try (0..<count).map { part in
      let piece = lines[(lines.count * part / count)..<(lines.count * (part + 1) / count)]
      let made = try rouse(
        ["make", "--number", "\(part * 3)", "--as-of", Vectors.asOf, "--rows", rows] + policy + settings,
        Array(piece.joined(separator: [0x0A])))
      #expect(made.code == 0, "\(made.error)")
      return made.output
    }
  }

  @Test(arguments: Vectors.goldenSettings.keys.sorted()) func filesAreOneList(_ name: String) throws {
    let settings = (Vectors.goldenSettings[name] ?? []).flatMap { ["--set", $0] }
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = try Self.parts(4, settings).enumerated().map { index, part in
      let file = folder.appending(path: "\(index).part")
      try Data(part).write(to: file)
      return file.path
    }
    let expected = try Vectors.text("golden/expected.rank.\(name).ndjson")
    for atOnce in ["3", "50000"] {
      let plan = try Self.rouse(["plan", "--rows", "all", "--at-once", atOnce] + Self.policy + settings + files)
      #expect(firstDifference(String(decoding: plan.output, as: UTF8.self), expected) == nil)
      #expect(plan.code == 1, "\(plan.error)")
    }
  }

  /// As a cluster does it: questions come out, answers go in, and each part writes its own rows.
  @Test func questionsAndAnswers() throws {
    let settings = (Vectors.goldenSettings["all-limits"] ?? []).flatMap { ["--set", $0] }
    let parts = try Self.parts(3, settings).map(Self.frames)
    // The lines that the model refuses: their user_ids came before.
    var seen: Set<[UInt8]> = []
    let settled = try parts.map { part in
      var refused: [UInt8] = []
      let starts = stride(from: 0, to: part[3].count, by: 4).map { at in
        Int(part[3][at..<(at + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
      }
      for (index, (start, end)) in zip(starts, starts.dropFirst()).enumerated() where start < end {
        guard !seen.insert(Array(part[4][start..<end])).inserted else { continue }
        refused += withUnsafeBytes(of: Int64(index).littleEndian) { Array($0) }
      }
      let input = (part[0..<3] + [refused]).flatMap(Self.frame)
      return Self.frames(try Self.rouse(["refuse"] + Self.policy + settings, input).output)
    }

    let plan = Process()
    plan.executableURL = ServerProcess.binaries.appending(path: "rouse")
    plan.arguments = ["part", "plan", "--rows", "all", "--at-once", "40"] + Self.policy + settings
    let (questions, answers) = (Pipe(), Pipe())
    plan.standardOutput = questions
    plan.standardInput = answers
    try plan.run()
    defer { plan.terminate() }
    var state: [UInt8] = []
    var totals = ""
    for line in Self.lines(of: questions.fileHandleForReading) {
      let said = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      if let ask = said["ask"] as? String {
        let question = Array(try #require(Data(base64Encoded: ask)))
        for part in settled.reversed() {
          let answer = try Self.rouse(
            ["answer"] + Self.policy + settings, Self.frame(question) + Self.frame(part[0]))
          #expect(answer.code == 0, "\(answer.error)")
          try answers.fileHandleForWriting.write(contentsOf: Data(answer.output))
        }
        try answers.fileHandleForWriting.write(contentsOf: Data([0x0A]))
      } else if let text = said["state"] as? String {
        state = Array(try #require(Data(base64Encoded: text)))
      } else {
        totals = line
      }
    }
    plan.waitUntilExit()
    #expect(plan.terminationStatus == 1)

    let written = try Self.rouse(
      ["rows"] + Self.policy + settings, Self.frame(state) + settled.flatMap { $0.flatMap(Self.frame) })
    #expect(written.code == 0, "\(written.error)")
    let rows = String(decoding: written.output, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    let ranked = rows.indices.filter { !rows[$0][0].isEmpty }.sorted { rows[$0][0] < rows[$1][0] }
    let ranks = Dictionary(uniqueKeysWithValues: ranked.enumerated().map { ($1, $0 + 1) })
    let list = rows.indices.map { rows[$0][3] + (ranks[$0].map(String.init) ?? "") + rows[$0][4] + "\n" }
    let expected = try Vectors.text("golden/expected.rank.all-limits.ndjson")
    #expect(firstDifference(list.joined() + totals + "\n", expected) == nil)
  }

  private static func lines(of handle: FileHandle) -> AnySequence<String> {
    AnySequence {
      var held = Data()
      return AnyIterator {
        while true {
          if let end = held.firstIndex(of: 0x0A) {
            let line = String(decoding: held[held.startIndex..<end], as: UTF8.self)
            held = Data(held[held.index(after: end)...])
            return line
          }
          let more = handle.availableData
          if more.isEmpty { return nil }
          held += more
        }
      }
    }
  }

  /// Numbers of variable length, as a part has them.
  private static func number(_ value: Int128) -> [UInt8] {
    var rest = UInt128(truncatingIfNeeded: value << 1 ^ value >> 127)
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(truncatingIfNeeded: rest)]
  }

  /// Sealed anew, as who means harm would.
  private static func sealed(_ part: [UInt8], _ body: [UInt8]) -> [UInt8] {
    let all = Array(part[0..<8]) + withUnsafeBytes(of: UInt64(body.count).littleEndian) { Array($0) } + body
    let check = all.withUnsafeBytes { PartReader.check($0) }
    return all + withUnsafeBytes(of: check.littleEndian) { Array($0) }
  }

  /// Whoever answers may be anybody: what cannot be is told, and traps nowhere.
  @Test func answersThatCannotBe() throws {
    let settings = (Vectors.goldenSettings["all-limits"] ?? []).flatMap { ["--set", $0] }
    let frames = Self.frames(try Self.parts(1, settings)[0])
    let part = frames[0]
    let plan = Process()
    plan.executableURL = ServerProcess.binaries.appending(path: "rouse")
    plan.arguments = ["part", "plan", "--at-once", "3"] + Self.policy + settings
    let (questions, answers) = (Pipe(), Pipe())
    plan.standardOutput = questions
    plan.standardInput = answers
    try plan.run()
    var given: [[UInt8]] = []
    for line in Self.lines(of: questions.fileHandleForReading) {
      let said = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      guard let ask = said["ask"] as? String else { break }
      let question = Array(try #require(Data(base64Encoded: ask)))
      let answer = try Self.rouse(["answer"] + Self.policy + settings, Self.frame(question) + Self.frame(part)).output
      given.append(answer)
      try answers.fileHandleForWriting.write(contentsOf: Data(answer + [0x0A]))
    }
    plan.terminate()
    #expect(given.count > 5)
    // Each number of the first bytes of each answer becomes one that is too much, and the rest stays.
    let huge = [Self.number(Int128(Int64.max)), Self.number(Int128(Int64.min)), Self.number(1 << 126), [0]]
    var told = 0
    for (index, text) in given.prefix(6).enumerated() {
      let bytes = Array(try #require(Data(base64Encoded: Data(text.dropLast()))))
      let body = Array(bytes[16..<(bytes.count - 8)])
      for at in stride(from: 40, to: min(body.count, 64), by: 3) {
        let end = body[at...].firstIndex { $0 < 0x80 } ?? at
        let hostile = Self.sealed(bytes, body[..<at] + huge[at % huge.count] + body[min(body.count, end + 1)...])
        let input =
          given[..<index].flatMap { $0 + [0x0A] } + Array(Data(hostile).base64EncodedString().utf8) + [0x0A, 0x0A]
          + given[(index + 1)...].flatMap { $0 + [0x0A] }
        let ended = try Self.rouse(["plan", "--at-once", "3"] + Self.policy + settings, input)
        #expect([0, 1, 2].contains(ended.code), "\(index) \(at): \(ended.error.prefix(300))")
        if ended.code == 2 {
          told += 1
          #expect(ended.error.split(separator: "\n").count == 1)
        }
      }
    }
    #expect(told > 20)
    // A part's texts go into messages: none of them reaches a terminal as it is.
    let name = Array("cash-loan-recall".utf8)
    let at = try #require((0..<64).first { Array(part[$0...].prefix(name.count)) == name })
    var body = Array(part[16..<(part.count - 8)])
    body[at - 16 + 2] = 0x1B
    let input = [Self.sealed(part, body), frames[1], frames[2], [UInt8](repeating: 0, count: 8)].flatMap(Self.frame)
    let ended = try Self.rouse(["refuse"] + Self.policy + settings, input)
    #expect(ended.code == 2 && !ended.error.utf8.contains(0x1B))
  }

  /// Each is told in one line, and nothing is written.
  @Test func whatDoesNotFitIsTold() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let part = try Self.parts(1, [], rows: "contacts")[0]
    func plan(_ bytes: [UInt8], _ more: [String] = []) throws -> ServerProcess.Ended {
      let file = folder.appending(path: "one.part")
      try Data(bytes).write(to: file)
      return try Self.rouse(["plan"] + Self.policy + more + [file.path])
    }
    #expect(try plan(part).code == 1)
    var damaged = part
    damaged[200] ^= 1
    let cases: [([UInt8], [String], String)] = [
      (damaged, [], "damaged"),
      (Array(part.dropLast(9)), [], "cut short"),
      (Array("no part at all, but a text".utf8), [], "holds no parts"),
      (Self.frame(part), [], "holds no part"),
      (part, ["--set", "plan.budget=3"], "was made with the policy"),
      (part, ["--rows", "all"], "make them with --rows all"),
    ]
    for (bytes, more, word) in cases {
      let ended = try plan(bytes, more)
      #expect(ended.code == 2, "\(word)")
      #expect(ended.output.isEmpty)
      #expect(ended.error.contains(word) && ended.error.split(separator: "\n").count == 1, "\(ended.error)")
    }
    let folded = folder.appending(path: "two.part")
    try Data(part).write(to: folded)
    let twice = try Self.rouse(["plan"] + Self.policy + [folded.path, folded.path])
    #expect(twice.code == 2 && twice.error.contains("two parts have the number 0"), "\(twice.error)")
  }
}
