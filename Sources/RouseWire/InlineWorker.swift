import RouseCore

extension BatchWorker {
  /// Scores the candidates that stand in a request's line: rows with commas between them.
  /// - Parameter at: offset of the list in the line.
  package func score(_ block: Block, usersAt at: Int, into out: inout ByteWriter, totals: inout Totals)
    throws(WireError)
  {
    var isFirstRow = true
    try block.eachItem(ofListAt: at) { (scanner) throws(JSONFault) in
      if !isFirstRow { out.put(0x2C) }
      isFirstRow = false
      try score(&scanner, depth: 3, into: &out, totals: &totals)
    }
  }

  /// Scores them for a rank.
  package func rank(_ block: Block, usersAt at: Int, into part: RankPart) throws(WireError) {
    try block.eachItem(ofListAt: at) { (scanner) throws(JSONFault) in try rank(&scanner, depth: 3, into: part) }
  }
}
