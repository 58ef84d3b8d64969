/// Where rows and the last line of an answer go.
protocol RowSink: AnyObject {
  /// Whole rows, each with its LF.
  func rows(_ bytes: UnsafeRawBufferPointer) throws
  /// The line that ends the answer, without an LF: `{"summary":…}` or `{"plan":…}`.
  func finish(_ line: [UInt8]) throws
}

/// NDJSON as it came.
final class LineSink: RowSink {
  private let output = StandardOutput()

  func rows(_ bytes: UnsafeRawBufferPointer) throws { try output.write(bytes) }
  func finish(_ line: [UInt8]) throws { try output.write(line: line) }
}
