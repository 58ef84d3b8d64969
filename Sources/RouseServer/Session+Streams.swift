import RouseWire

/// Candidates that come as lines, and the rows that go back.
extension Session {
  /// Hands whole lines to other threads, a few blocks at a time; small ones wait while others are under way.
  func cutBlocks() {
    guard case .streaming(var stream) = state else { return }
    if isLate(stream.pending) { return breakOff(stream, WireError(.deadlineExceeded, "timeout_ms has passed")) }
    while stream.inFlight.count < Self.mostInFlight, canCut(stream),
      stream.inFlight.isEmpty || input.count >= Self.enoughForABlock, let block = input.takeLines()
    {
      let index = stream.nextIndex
      stream.nextIndex += 1
      linesTaken += 1
      stream.inFlight.append((index, block))
      let work = stream.work
      schedule { .block(work.run(block, index: index)) }
    }
    state = .streaming(stream)
    // Nothing is handed out though it might be: no whole line is there.
    guard stream.inFlight.isEmpty, canCut(stream) else { return }
    if input.count > shared.limits.lineBytes { return refuseLongLine(id: stream.pending.id) }
    if inputEnded {
      fail(
        WireError(.incompleteLine, "the stream was not ended by {\"op\":\"end\"}, so it was not executed"),
        id: pendingID)
      close()
    }
  }

  /// Takes results in the order of their blocks.
  func collect() {
    while case .streaming(var stream) = state, let result = stream.results.removeValue(forKey: stream.nextResult) {
      let block = stream.inFlight.removeFirst().block
      stream.nextResult += 1
      stream.totals.add(result.totals)
      state = .streaming(stream)
      if stream.totals.lines > shared.limits.streamCandidates {
        let most = shared.limits.streamCandidates
        return breakOff(stream, WireError(.tooMany, "a stream may have \(most) candidates"), after: block)
      }
      output.write(result.rows)
      switch result.stop {
      case .none: continue
      case .lineTooLong: return refuseLongLine(id: stream.pending.id)
      case .end(let next):
        giveBack(stream, block, next)
        end(stream)
      case .cancel(let next):
        giveBack(stream, block, next)
        state = .waiting
        serial += 1
        fail(WireError(.cancelled, "the stream was cancelled"), id: stream.pending.id)
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
    guard stream.isRank else {
      var summary = ByteWriter()
      summary.write(",\"summary\":")
      stream.totals.writeSummary(into: &summary)
      return complete(stream.pending, summary.array)
    }
    var pending = stream.pending
    let work = stream.work
    pending.work = work
    state = .busy(pending)
    schedule {
      work.plan()
      return Self.moreRows(work)
    }
  }

  func writeMoreRows() {
    guard case .busy(var pending) = state, let work = pending.work, !pending.isWorking, isWritable else { return }
    pending.isWorking = true
    state = .busy(pending)
    schedule { Self.moreRows(work) }
  }

  private static func moreRows(_ work: StreamWork) -> Result {
    let rows = work.rows(enough: rowChunk)
    return .rows(rows.bytes, plan: rows.isAtEnd ? work.planTotals() : nil)
  }

  /// One line answers all of a stream that failed midway; its further lines are discarded.
  func breakOff(_ stream: Stream, _ error: WireError, after block: Block? = nil) {
    let blocks = (block.map { [$0] } ?? []) + stream.inFlight.map(\.block)
    if !blocks.isEmpty { input.prepend(blocks.map(\.bytes)) }
    serial += 1
    state = .discarding
    fail(error, id: stream.pending.id)
  }
}
