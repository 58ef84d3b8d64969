import RouseCore

/// Reads blocks of events, one at a time, with scratch of its own: one a thread.
package final class EventWorker: @unchecked Sendable {
  // Sendable because one thread at a time holds it: it is handed on, never shared.
  private var reader: EventReader
  private let longestLine: Int

  /// - Parameter longestLine: bytes, without the LF.
  package init(reader: EventReader, longestLine: Int) {
    self.reader = reader
    self.longestLine = longestLine
  }

  /// Reads the lines of a block; where and why it stopped.
  package func read(_ block: Block, _ take: (EventReader.Reading) -> Void) -> BatchWorker.Stop {
    var at = 0
    while let line = block.nextLine(&at, longest: longestLine) {
      if line.count > longestLine { return .lineTooLong }
      switch reader.read(line) {
      case .end: return .end(next: at)
      case .cancel: return .cancel(next: at)
      case let reading: take(reading)
      }
    }
    return .none
  }

  /// Reads the events that stand in a request's line.
  /// - Parameter at: offset of the list in the line.
  package func read(
    _ block: Block, eventsAt at: Int, _ take: (EventReader.Reading) -> Void
  ) throws(WireError) {
    try block.eachItem(ofListAt: at) { (scanner) throws(JSONFault) in take(try reader.read(&scanner, depth: 2)) }
  }

  /// The answer for one event.
  /// - Parameters:
  ///   - key: nil where it had none.
  ///   - fault: where and why it is invalid.
  package static func write(
    key: [UInt8]?, _ result: EventResult, fault: (at: String?, message: String)? = nil, into out: inout ByteWriter
  ) {
    out.write("{\"key\":")
    if let key { key.withUnsafeBytes { out.writeQuoted($0) } } else { out.write("null") }
    out.write(",\"result\":")
    out.writeQuoted(result.rawValue)
    if let fault {
      if let at = fault.at {
        out.write(",\"at\":")
        out.writeQuoted(at)
      }
      out.write(",\"message\":")
      out.writeQuoted(fault.message)
    }
    out.put(0x7D)
  }
}
