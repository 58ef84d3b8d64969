import ArgumentParser
import Foundation
import RouseCore
import RouseWire

struct PartPlan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Make the list of all parts.",
    discussion: """
        rouse part plan --policy policy.yaml --limit 1000 a.part b.part

      With files it writes what 'rouse rank' would write of their candidates, one file's after the other's.

      Without files it asks. On standard output stand JSON lines:
        {"ask":TEXT,"about":"…"}     bring these bytes (base64) to every part, with 'rouse part answer'; write each answer as \
      a line to standard input, in any order, and then an empty line
        {"state":TEXT}               the plan is made: bring these bytes to every part, with 'rouse part rows'
        {"plan":{…}}                 the plan's totals, and the end
      """)

  @Argument(help: "What 'rouse part make' wrote, in the order of the candidates.", completion: .file())
  var files: [String] = []

  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup var policy: PartPolicy

  @Option(help: "The contacts in rank order, or all candidates in input order.")
  var rows = Rank.Rows.contacts

  @Option(
    help: ArgumentHelp(
      "How many users are asked for at once; the list is the same with any number.", valueName: "count"))
  var atOnce = PartedPlan.manyUsers

  func validate() throws {
    if !(1...10_000_000).contains(atOnce) { throw ValidationError("--at-once is between 1 and 10,000,000") }
  }

  func run() async throws {
    let policy = try policy.read()
    let limits = try limits.limits(policy)
    if files.isEmpty {
      try coordinate(policy, limits)
    } else {
      try plan(policy, limits)
    }
  }

  private func parted(
    _ policy: Policy, _ limits: PlanLimits, _ ask: @escaping (PartInquiry) throws -> PartAnswer
  ) throws -> PartedPlan {
    try Failure.naming("the parts") {
      try PartedPlan(policy: policy, limits: limits, wantsAll: rows == .all, most: atOnce, ask: ask)
    }
  }

  private func totals(_ plan: PartedPlan, _ policy: Policy) -> (line: [UInt8], invalid: Int) {
    let totals = Totals(plan)
    var out = ByteWriter(capacity: 1024)
    out.write("{\"plan\":")
    plan.sum.write(totals, policy, into: &out)
    out.put(0x7D)
    return (out.array, totals.invalid)
  }

  // MARK: - By asking

  private func coordinate(_ policy: Policy, _ limits: PlanLimits) throws {
    let output = StandardOutput()
    let plan = try parted(policy, limits) { inquiry in
      let text = Data(inquiry.sealed()).base64EncodedString()
      try output.write("{\"ask\":\"\(text)\",\"about\":\(JSONText.quoted(inquiry.about))}\n")
      var all = PartAnswer(policy)
      while true {
        guard let line = readLine(strippingNewline: true) else {
          throw Failure(.usage, "standard input ended before every part had answered; an empty line ends the answers")
        }
        if line.isEmpty { return all }
        guard let bytes = Data(base64Encoded: line) else {
          throw Failure(.usage, "standard input: an answer is a line that 'rouse part answer' wrote")
        }
        try all.add(try bytes.withUnsafeBytes { try PartAnswer($0, policy: policy) })
      }
    }
    try output.write("{\"state\":\"\(Data(plan.state.sealed()).base64EncodedString())\"}\n")
    let totals = self.totals(plan, policy)
    try output.write(line: totals.line)
    if totals.invalid > 0 { throw Failure(.invalidInput, "") }
  }

  // MARK: - Of files

  private func plan(_ policy: Policy, _ limits: PlanLimits) throws {
    var parts: [MadePart] = []
    var seen = SeenUsers()
    for file in files {
      let frames = try Frames(try FileInput(file)).frames
      guard frames.count == 5 else { throw Failure(.usage, "\(file): it holds no part; 'rouse part make' makes them") }
      var part = MadePart(
        options: frames[0], decisions: frames[1], lines: frames[2], offsets: frames[3], ids: frames[4])
      try Failure.naming(file) { try part.refuse(part.repeated(&seen), policy: policy) }
      parts.append(part)
    }
    var options: [PlanPart] = []
    for (file, part) in zip(files, parts) {
      options.append(
        try Failure.naming(file) { try part.options.withUnsafeBytes { try PlanPart($0, policy: policy) } })
    }
    let plan = try parted(policy, limits) { inquiry in
      var all = PartAnswer(policy)
      for part in options { try all.add(try part.answer(inquiry, policy: policy)) }
      return all
    }
    var rows = Rows()
    for (index, part) in parts.enumerated() {
      try Failure.naming(files[index]) {
        try PartList(policy: policy, state: plan.state).each(
          part.options, part.decisions, now: options[index].origin.now
        ) { rows.add($0) }
      }
    }
    let output = StandardOutput()
    try rows.write(inRankOrder: self.rows == .contacts, to: output)
    let totals = self.totals(plan, policy)
    try output.write(line: totals.line)
    if totals.invalid > 0 { throw Failure(.invalidInput, "") }
  }

  /// Rows of all parts, until their ranks are known.
  private struct Rows {
    private var rows: [(key: [UInt8]?, head: Range<Int>, tail: Range<Int>)] = []
    private var texts: [UInt8] = []

    mutating func add(_ row: PartRows.Row) {
      func add(_ text: UnsafeRawBufferPointer) -> Range<Int> {
        texts.append(contentsOf: text)
        return (texts.count - text.count)..<texts.count
      }
      rows.append((row.key, add(row.head), add(row.tail)))
    }

    func write(inRankOrder: Bool, to output: StandardOutput) throws {
      var ranks = [Int](repeating: 0, count: rows.count)
      let ranked = rows.indices.filter { rows[$0].key != nil }.sorted {
        (rows[$0].key ?? []).lexicographicallyPrecedes(rows[$1].key ?? [])
      }
      for (index, row) in ranked.enumerated() { ranks[row] = index + 1 }
      var out = ByteWriter(capacity: 1 << 17)
      for index in inRankOrder ? ranked : Array(rows.indices) {
        let row = rows[index]
        texts.withUnsafeBytes { out.write(UnsafeRawBufferPointer(rebasing: $0[row.head])) }
        if ranks[index] > 0 { out.write(ranks[index]) }
        texts.withUnsafeBytes { out.write(UnsafeRawBufferPointer(rebasing: $0[row.tail])) }
        out.put(0x0A)
        if out.count > 1 << 16 {
          try output.write(out.bytes)
          out.removeAll()
        }
      }
      try output.write(out.bytes)
    }
  }
}

extension MadePart {
  /// Indices of lines whose user_id came before.
  func repeated(_ seen: inout SeenUsers) throws(PartFault) -> [Int] {
    var repeated: [Int] = []
    let starts = stride(from: 0, to: offsets.count - offsets.count % 4, by: 4).map { at in
      Int(offsets[at..<(at + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
    for (index, (start, end)) in zip(starts, starts.dropFirst()).enumerated() {
      guard start <= end, end <= ids.count, end - start <= 255 else {
        throw PartFault("it is damaged, or was cut short; make it again")
      }
      if start < end, !ids[start..<end].withUnsafeBytes({ seen.insert($0) }) { repeated.append(index) }
    }
    return repeated
  }
}
