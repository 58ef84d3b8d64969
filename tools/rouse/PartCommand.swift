import ArgumentParser
import Foundation
import RouseCore
import RouseWire

struct PartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "part",
    abstract: "Rank candidates that stand in parts, on several machines or in several files.",
    discussion: """
      The list is the one that 'rouse rank' makes of all candidates, to the last byte. Each machine keeps its candidates, \
      and answers questions about them: what its users' choices add up to at some prices, and who stands near the edge.

      With several files on one machine:
        rouse part make --policy policy.yaml --as-of 2026-03-01T02:00:00Z --number 0 < a.ndjson > a.part
        rouse part make --policy policy.yaml --as-of 2026-03-01T02:00:00Z --number 1 < b.ndjson > b.part
        rouse part plan --policy policy.yaml --budget 500 a.part b.part

      On Spark tools/spark does all this. For another cluster: 'make' each part where its candidates are; refuse lines \
      whose user_id came in an earlier line ('refuse'); start 'plan' without files, and bring each question that it writes to \
      every part ('answer') and the answers back; at its end bring its state to every part ('rows') and sort the rows by \
      their keys. What goes through a pipe is a sequence of frames: 8 bytes that count the bytes that follow, least \
      significant first, and these.

      Every command needs the same policy file, and says so when a part was made with another.
      """,
    subcommands: [PartMake.self, PartRefuse.self, PartPlan.self, PartAnswerCommand.self, PartRowsCommand.self])
}

/// A part's place in a file or pipe, one frame after another.
struct Frames {
  private(set) var frames: [[UInt8]] = []

  /// - Parameter name: as messages name where they come from.
  init(_ input: FileInput) throws {
    var head = [UInt8](repeating: 0, count: 8)
    while try Self.read(input, &head, isHead: true) {
      let count = head.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      // As a check of a wrong file, before so much memory is asked for.
      guard count < 1 << 36 else { throw Self.fault(input) }
      var frame = [UInt8](repeating: 0, count: min(Int(count), 1 << 20))
      var at = 0
      while at < Int(count) {
        if at == frame.count { frame += [UInt8](repeating: 0, count: min(frame.count, Int(count) - at)) }
        let room = frame.count
        let read = try frame.withUnsafeMutableBytes {
          try input.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[at..<room]))
        }
        if read == 0 { throw Self.fault(input) }
        at += read
      }
      frames.append(frame)
    }
  }

  private static func fault(_ input: FileInput) -> Failure {
    Failure(.usage, "\(input.name) holds no parts, or was cut short; 'rouse part make' makes them")
  }

  private static func read(_ input: FileInput, _ bytes: inout [UInt8], isHead: Bool) throws -> Bool {
    var at = 0
    while at < bytes.count {
      let count = bytes.count
      let read = try bytes.withUnsafeMutableBytes {
        try input.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[at..<count]))
      }
      if read == 0 {
        if at == 0 { return false }
        throw fault(input)
      }
      at += read
    }
    return true
  }

  static func write(_ frames: [[UInt8]], to output: StandardOutput) throws {
    for frame in frames {
      try withUnsafeBytes(of: UInt64(frame.count).littleEndian) { try output.write($0) }
      try frame.withUnsafeBytes { try output.write($0) }
    }
  }
}

/// The policy that all parts of a plan share.
struct PartPolicy: ParsableArguments {
  @Option(
    help: ArgumentHelp("The policy, the same for all parts (YAML, or JSON by its name).", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var policy: String

  @Option(
    help: ArgumentHelp(
      "Change a value of the policy before it is checked; repeatable. The value is JSON: --set plan.budget=12.5.",
      valueName: "path=json"))
  var set: [String] = []

  /// Its version covers what was changed: parts of another policy, or of other changes to it, are told by it.
  func read() throws -> Policy {
    let policy = try PolicyFile(policy, set: set)
    if set.isEmpty { return policy.policy }
    let changes = Array(set.joined(separator: "\n").utf8)
    return Policy(policy.policy.definition, bytes: try FileInput.contents(of: self.policy) + [0x0A] + changes)
  }
}

extension Failure {
  /// - Parameter name: whose bytes they are.
  init(_ fault: PartFault, of name: String) { self.init(.usage, "\(name): \(fault.message)") }

  static func naming<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let fault as PartFault { throw Failure(fault, of: name) }
  }
}

struct PartMake: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make",
    abstract: "Score a part's candidates, and keep what a plan needs of them.",
    discussion: """
        rouse part make --policy policy.yaml --as-of 2026-03-01T02:00:00Z --number 3 < candidates.ndjson > 3.part

      Reads candidates as JSON lines, and writes five frames: the options, which questions are answered from; the decisions, \
      which rows are written from; the lines, by which one is refused; and, for finding a user_id that comes twice, where the \
      user_id of each line begins (32 bits, least significant byte first, and where the last one ends) and the user_ids \
      themselves. A line without one has an empty one.
      """)

  @Argument(help: "Candidates as JSON lines; standard input without it, or for -.", completion: .file())
  var file: String?

  @Option(help: "A number that no other part of the plan has.")
  var number: Int

  @Option(help: "What rows will be asked for: the contacts, or all candidates.")
  var rows = Rank.Rows.contacts

  @OptionGroup var policy: PartPolicy

  @Option(
    help: ArgumentHelp("The moment to decide for, such as 2026-03-01T10:00:00+08:00.", valueName: "time"))
  var asOf: String

  func validate() throws {
    guard Moment.parse(asOf) != nil else {
      throw ValidationError(
        "'\(asOf)' for --as-of is no RFC 3339 time with an offset, such as 2026-03-01T10:00:00+08:00")
    }
  }

  func run() async throws {
    let filter = Filter(policy: try policy.read(), now: Moment.parse(asOf) ?? 0, threads: 1)
    let source = LineSource(try FileInput(file))
    let maker = PartMaker(scorer: filter.scorer, rows: rows == .all ? .all : .contacts, number: number)
    let worker = filter.worker()
    while let candidates = try source.next() {
      if maker.add(candidates.block, worker) != .none { throw filter.tooLong(source)(candidates) }
    }
    let made = maker.finish()
    try Frames.write([made.options, made.decisions, made.lines, made.offsets, made.ids], to: StandardOutput())
  }
}

struct PartRefuse: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refuse",
    abstract: "Make lines of a part invalid, whose user_ids came in earlier lines (I03).",
    discussion: """
      Reads four frames: the options, decisions and lines that 'rouse part make' wrote, and the indices of the lines, in 64 \
      bits each, least significant byte first. Writes the options and the decisions anew.
      """)

  @OptionGroup var policy: PartPolicy

  func run() async throws {
    let policy = try policy.read()
    let input = try FileInput(nil)
    let frames = try Frames(input).frames
    guard frames.count == 4, frames[3].count % 8 == 0 else {
      throw Failure(.usage, "standard input: give four frames: options, decisions, lines, and 64 bits a line to refuse")
    }
    let refused = stride(from: 0, to: frames[3].count, by: 8).map { at in
      Int(Int64(bitPattern: frames[3][at..<(at + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))
    }
    var made = MadePart(options: frames[0], decisions: frames[1], lines: frames[2])
    try Failure.naming("the part") { try made.refuse(refused, policy: policy) }
    try Frames.write([made.options, made.decisions], to: StandardOutput())
  }
}

struct PartAnswerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "answer",
    abstract: "Answer a question of 'rouse part plan' for one part or several.",
    discussion: """
      Reads frames: the question, and then the options of each part. Writes a line of text for each part: its answer.
      """)

  @OptionGroup var policy: PartPolicy

  func run() async throws {
    let policy = try policy.read()
    let frames = try Frames(try FileInput(nil)).frames
    guard let first = frames.first else {
      throw Failure(.usage, "standard input: give frames: the question, and the options of each part")
    }
    let inquiry = try Failure.naming("the question") {
      try first.withUnsafeBytes { try PartInquiry($0, policy: policy) }
    }
    let output = StandardOutput()
    for (index, frame) in frames.dropFirst().enumerated() {
      let answer = try Failure.naming("part \(index + 1) of \(frames.count - 1)") {
        try frame.withUnsafeBytes { try PlanPart($0, policy: policy) }.answer(inquiry, policy: policy)
      }
      try output.write(Data(answer.sealed()).base64EncodedString() + "\n")
    }
  }
}

struct PartRowsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rows",
    abstract: "Write the rows of one part or several, once the plan is made.",
    discussion: """
      Reads frames: the state that 'rouse part plan' ended with, and then of each part its options and its decisions. Writes \
      a line for each row, four texts with tabs between them: the key, in hexadecimal; the number of the part; the row's \
      place in it; and the row as JSON, which is cut where the rank is to stand: the two pieces have a tab between them as well. \
      Rows with a key stand in the order of their keys, and their rank counts from 1. Rows without have no rank, and one piece.
      """)

  @OptionGroup var policy: PartPolicy

  func run() async throws {
    let policy = try policy.read()
    let frames = try Frames(try FileInput(nil)).frames
    guard let first = frames.first, frames.count % 2 == 1 else {
      throw Failure(.usage, "standard input: give frames: the state, and of each part its options and its decisions")
    }
    let state = try Failure.naming("the state") { try first.withUnsafeBytes { try PartState($0, policy: policy) } }
    let output = StandardOutput()
    for index in stride(from: 1, to: frames.count, by: 2) {
      try Failure.naming("part \((index + 1) / 2) of \(frames.count / 2)") {
        try PartList(policy: policy, state: state).rows(frames[index], frames[index + 1], output)
      }
    }
  }
}

/// Rows of parts as lines.
struct PartList {
  let policy: Policy
  let state: PartState

  private static let digits = Array("0123456789abcdef".utf8)

  func rows(_ options: [UInt8], _ decisions: [UInt8], _ output: StandardOutput) throws {
    let origin = try options.withUnsafeBytes { try PlanPart($0, policy: policy) }
    var lines = ByteWriter(capacity: 1 << 18)
    var failure: (any Error)?
    try each(options, decisions, now: origin.origin.now) { row in
      for byte in row.key ?? [] {
        lines.put(Self.digits[Int(byte >> 4)])
        lines.put(Self.digits[Int(byte & 15)])
      }
      lines.put(0x09)
      lines.write(origin.number)
      lines.put(0x09)
      lines.write(row.index)
      lines.put(0x09)
      lines.write(row.head)
      lines.put(0x09)
      lines.write(row.tail)
      lines.put(0x0A)
      if lines.count > 1 << 17, failure == nil {
        do { try output.write(lines.bytes) } catch { failure = error }
        lines.removeAll()
      }
    }
    if let failure { throw failure }
    try output.write(lines.bytes)
  }

  func each(_ options: [UInt8], _ decisions: [UInt8], now: Int64, _ body: (PartRows.Row) -> Void) throws {
    let scorer = Scorer(policy: policy, now: now)
    let writer = DecisionWriter(scorer: scorer, tables: WireTables(policy: policy))
    let rows = PartRows(scorer: scorer, writer: writer, state: state)
    try options.withUnsafeBytes { options in
      try decisions.withUnsafeBytes { try rows.write(options: options, decisions: $0, body) }
    }
  }
}
