import RouseCore
import RousePolicy

@testable import RouseWire

/// A policy, and candidates worked off with it as the server does.
struct Offline {
  let policy: Policy
  let tables: WireTables
  let scorer: Scorer
  let writer: DecisionWriter

  static let now: Int64 = 1_772_330_400
  static let refused = Array("{\"user_id\":null,\"status\":\"invalid\",\"reasons\":[\"I01\"]}\n".utf8)

  /// Different in all that changes how a line is read or a decision made.
  static let all: [Offline] = [
    Offline(file: "policy.yaml"), Offline(file: "valid-until/policy.yaml"),
    Offline(file: "edges/json-policy/policy.json"),
  ]

  private init(file: String) {
    let bytes = vector(file)
    guard let definition = try? PolicyReader.read(bytes, format: Document.Format(fileName: file)) else {
      fatalError("\(file) does not load")
    }
    self.init(Policy(definition, bytes: bytes))
  }

  init(_ policy: Policy) {
    self.policy = policy
    tables = WireTables(policy: policy)
    scorer = Scorer(policy: policy, now: Self.now)
    writer = DecisionWriter(scorer: scorer, tables: tables)
  }

  func worker(_ extras: Extras = [], isStream: Bool = true) -> BatchWorker {
    BatchWorker(
      scorer: scorer, writer: writer, tables: tables, extras: extras, longestLine: 1 << 22, isStream: isStream)
  }

  /// Rows, an LF after each.
  func score(_ bytes: [UInt8], _ extras: Extras = [], isStream: Bool = true) -> (rows: [UInt8], stop: BatchWorker.Stop)
  {
    var out = ByteWriter()
    var totals = Totals()
    let stop = bytes.withUnsafeBytes {
      worker(extras, isStream: isStream).score(Block($0), into: &out, totals: &totals)
    }
    return (out.array, stop)
  }

  /// All rows, and the plan.
  func rank(_ blocks: [[UInt8]], _ rows: RankRows) -> [UInt8] {
    let ranking = Ranking(scorer: scorer, writer: writer, rows: rows)
    let worker = worker(isStream: false)
    for block in blocks {
      let part = RankPart(policy: policy, rows: rows)
      _ = block.withUnsafeBytes { worker.rank(Block($0), into: part) }
      ranking.add(part)
    }
    ranking.finish(PlanLimits(policy: policy))
    return written(ranking)
  }

  private func written(_ ranking: Ranking) -> [UInt8] {
    var out = ByteWriter()
    var cursor = Ranking.Cursor()
    while !cursor.isAtEnd { ranking.writeRows(&cursor, into: &out, enough: 500, asLines: true) }
    ranking.writePlan(into: &out)
    return out.array
  }

  /// Rows with commas between them, of candidates that stand in a request; nil when it is refused.
  func scoreInline(_ lines: [[UInt8]], _ extras: Extras) -> [UInt8]? {
    guard let (block, at) = request(lines) else { return nil }
    var out = ByteWriter()
    var totals = Totals()
    do throws(WireError) {
      try worker(extras, isStream: false).score(block, usersAt: at, into: &out, totals: &totals)
    } catch {
      return nil
    }
    return out.array
  }

  func rankInline(_ lines: [[UInt8]], _ rows: RankRows) -> [UInt8]? {
    guard let (block, at) = request(lines) else { return nil }
    let part = RankPart(policy: policy, rows: rows)
    do throws(WireError) {
      try worker(isStream: false).rank(block, usersAt: at, into: part)
    } catch {
      return nil
    }
    let ranking = Ranking(scorer: scorer, writer: writer, rows: rows)
    ranking.add(part)
    ranking.finish(PlanLimits(policy: policy))
    return written(ranking)
  }

  private func request(_ lines: [[UInt8]]) -> (Block, Int)? {
    let text = Array("{\"op\":\"score\",\"users\":[".utf8) + lines.joined(separator: [0x2C]) + Array("]}".utf8)
    let block = text.withUnsafeBytes { Block($0) }
    var reader = RequestReader()
    let reading = reader.read(block)
    guard reading.fault == nil, case .users(let at, let count) = reading.request.candidates else { return nil }
    demand(count == lines.count, "\(lines.count) candidates are counted as \(count)")
    return (block, at)
  }

  /// Whether a line is more than an invalid row, as the model says it (2.1).
  static func isCandidate(_ line: StrictJSON?) -> Bool {
    guard let line, line["op"] == nil, case .text(let userID)? = line["user_id"] else { return false }
    return (1...128).contains(userID.reduce(0) { $0 + UTF8.width($1) })
  }
}
