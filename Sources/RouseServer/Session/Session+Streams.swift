import RouseWire

/// Candidates that come as lines, and the rows that go back.
extension Session {
  /// Hands whole lines to other threads, a few blocks at a time; small ones wait while others are under way.
  func cutBlocks() {
    guard case .streaming(var stream) = state else { return }
    if isLate(stream.pending) { return breakOff(stream, Self.late) }
    chooseWindow(stream)
    let most = stream.work.isExplained ? window.block / 16 : window.block
    while stream.inFlight.count < window.inFlight, canCut(stream),
      stream.inFlight.isEmpty || input.count >= most, let block = input.takeLines(most: most)
    {
      let index = stream.nextIndex
      stream.nextIndex += 1
      linesTaken += 1
      stream.inFlight.append((index, block))
      let work = stream.work
      scheduleLong(.bulk) { done in work.run(block, index: index) { done(.block($0)) } }
    }
    state = .streaming(stream)
    // Nothing is handed out though it might be: no whole line is there.
    guard stream.inFlight.isEmpty, canCut(stream) else { return }
    if input.count > shared.limits.lineBytes { return refuseLongLine() }
    if inputEnded {
      giveUp(WireError(.incompleteLine, "the stream was not ended by {\"op\":\"end\"}, so it was not executed"))
    }
  }

  /// How much of a stream may be under way at once.
  struct Window {
    /// Blocks that are worked on.
    let inFlight: Int
    /// Bytes of a block, about.
    let block: Int
    /// Bytes that wait meanwhile.
    let input: Int
    /// Bytes of rows that are made before the peer has taken those before them.
    let output: Int
    /// What it takes of the memory that all share.
    let lease: Int

    /// Within what every connection has.
    static let narrow = Window(inFlight: 1, block: 1 << 14, input: 1 << 15, output: 1 << 15, lease: 0)
    static let wide = Window(inFlight: 4, block: 1 << 18, input: 1 << 19, output: 1 << 18, lease: 1 << 22)
  }

  var window: Window { lease.bytes >= Window.wide.lease ? .wide : .narrow }

  /// A stream that comes thickly takes room for more at once, if there is any, and gives it back when it drips.
  private func chooseWindow(_ stream: Stream) {
    guard stream.inFlight.isEmpty else { return }
    if input.count >= Window.narrow.block {
      // The other half is for lines that are longer than what a connection has.
      guard lease.bytes > 0 || shared.memory.used < shared.memory.size / 2 else { return }
      _ = lease.resize(to: max(Window.wide.lease, lease.bytes))
    } else if input.capacity <= Self.ownCapacity {
      lease.giveBack()
    }
  }

  /// Takes results in the order of their blocks.
  func collect() {
    while case .streaming(var stream) = state, let result = stream.results.removeValue(forKey: stream.nextResult) {
      let block = stream.inFlight.removeFirst().block
      stream.nextResult += 1
      stream.tally.add(result.tally)
      state = .streaming(stream)
      if let fault = result.fault { return breakOff(stream, fault, after: block) }
      if result.isOverMemory {
        return breakOff(stream, RankAnswer.outOfMemory, after: block)
      }
      if stream.tally.lines > shared.limits.streamCandidates {
        let most = shared.limits.streamCandidates
        return breakOff(stream, WireError(.tooMany, "a stream may have \(most) candidates"), after: block)
      }
      output.write(result.rows)
      switch result.stop {
      case .none: continue
      case .lineTooLong: return refuseLongLine()
      case .end(let next):
        giveBack(stream, block, next)
        end(stream)
      case .cancel(let next):
        giveBack(stream, block, next)
        stream.work.cancel()
        state = .waiting
        serial += 1
        answer(stream.pending, WireError(.cancelled, "the stream was cancelled"))
      }
    }
  }

  /// Bytes after a control belong to the next request, those in blocks that were handed out ahead of time too.
  private func giveBack(_ stream: Stream, _ block: Block, _ next: Int) {
    let rest = UnsafeRawBufferPointer(rebasing: block.bytes[next...])
    if rest.isEmpty, stream.inFlight.isEmpty { return }
    input.prepend([rest] + stream.inFlight.map(\.block.bytes))
  }

  private func end(_ stream: Stream) {
    serial += 1
    guard let work = stream.work as? RankWork else {
      if stream.work is ScoreWork { shared.meters.decided(.score, stream.tally.totals) }
      var summary = ByteWriter()
      stream.work.writeSummary(stream.tally, into: &summary)
      return complete(stream.pending, summary.array)
    }
    rank(stream.pending, work)
  }

  func writeMoreRows() {
    let enough = window.output
    guard case .busy(var pending) = state, let work = pending.work, !pending.isWorking, !isHeldBack else { return }
    pending.isWorking = true
    state = .busy(pending)
    schedule(.bulk) { Self.moreRows(work, enough) }
  }

  static func moreRows(_ work: any RowSource, _ enough: Int) -> Result {
    do throws(WireError) {
      let rows = try work.rows(enough: enough)
      return .rows(rows.bytes, tail: rows.isAtEnd ? work.tail() : nil)
    } catch {
      return .failed(error)
    }
  }

  /// One line answers all of a stream that failed midway; its further lines are discarded.
  func breakOff(_ stream: Stream, _ error: WireError, after block: Block? = nil) {
    let blocks = (block.map { [$0] } ?? []) + stream.inFlight.map(\.block)
    if !blocks.isEmpty { input.prepend(blocks.map(\.bytes)) }
    stream.work.cancel()
    serial += 1
    state = .discarding
    answer(stream.pending, error)
  }
}
