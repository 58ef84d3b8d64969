import RouseCore

extension BatchWorker {
  /// Scores the candidates that stand in a request's line: rows with commas between them.
  /// - Parameter at: offset of the list in the line.
  package func score(_ block: Block, usersAt at: Int, into out: inout ByteWriter, totals: inout Totals)
    throws(WireError)
  {
    var isFirstRow = true
    try each(block, at) { (scanner) throws(JSONFault) in
      if !isFirstRow { out.put(0x2C) }
      isFirstRow = false
      try score(&scanner, depth: 3, into: &out, totals: &totals)
    }
  }

  /// Scores them for a rank.
  package func rank(_ block: Block, usersAt at: Int, into part: RankPart) throws(WireError) {
    try each(block, at) { (scanner) throws(JSONFault) in try rank(&scanner, depth: 3, into: part) }
  }

  private func each(
    _ block: Block, _ at: Int, _ body: (inout JSONScanner) throws(JSONFault) -> Void
  ) throws(WireError) {
    guard let base = block.bytes.baseAddress else { return }
    var scanner = JSONScanner(base: base.assumingMemoryBound(to: UInt8.self), count: max(0, block.count - 1), at: at)
    do {
      try scanner.enter(2)
      var isFirst = true
      while try scanner.nextItem(&isFirst) { try body(&scanner) }
    } catch {
      throw WireError(error)
    }
  }
}
