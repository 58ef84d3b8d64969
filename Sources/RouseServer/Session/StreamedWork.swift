import RouseWire

/// The work of one streamed request, off the event loop: blocks of lines may be worked on at once, and their results are
/// taken in the order of the blocks.
protocol StreamedWork: AnyObject, Sendable {
  /// Whether rows come only when all lines are there.
  var isRank: Bool { get }
  /// Whether a line's row is many times as long as the line.
  var isExplained: Bool { get }
  /// Works off one block of whole lines.
  /// - Parameter index: blocks are counted from 0.
  func run(_ block: Block, index: Int, done: @escaping @Sendable (BlockResult) -> Void)
  /// What the last line says of all, when no rows follow.
  func writeSummary(_ tally: Tally, into out: inout ByteWriter)
  /// Nobody waits for an answer any more: what has not begun need not be done.
  func cancel()
}

/// Where a reply's rows come from when all is decided.
protocol RowSource: AnyObject, Sendable {
  /// The next rows, about so many bytes of them.
  func rows(enough: Int) throws(WireError) -> (bytes: [UInt8], isAtEnd: Bool)
  /// What stands between `"ok":true` and its context, and the end of the last line.
  func tail() -> [UInt8]
  /// Under which policy and as of when, where it is another than the request's: that of a plan that was committed before.
  var context: (policy: String, asOf: String)? { get }
  func cancel()
}

extension RowSource {
  var context: (policy: String, asOf: String)? { nil }
}

/// What became of one block.
struct BlockResult: Sendable {
  let index: Int
  /// An LF after each.
  var rows: [UInt8] = []
  var tally = Tally()
  var stop = BatchWorker.Stop.none
  /// The rank would take more memory than ranks may.
  var isOverMemory = false
  /// The whole request fails.
  var fault: WireError?
}

/// What was counted over the lines of a stream.
struct Tally: Sendable {
  var totals = Totals()
  var events = EventTotals()
  var load = LoadTotals()

  var lines: Int { totals.lines + events.lines + load.lines }

  mutating func add(_ other: Tally) {
    totals.add(other.totals)
    events.add(other.events)
    load.add(other.load)
  }
}
