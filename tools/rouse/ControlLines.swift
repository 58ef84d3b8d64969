import Foundation
import RouseWire

/// Lines that would end a stream: what stands after one in a file from outside would be requests, made in our name.
enum ControlLines {
  /// Throws for the first one, by its place.
  static func refuse(in candidates: Candidates, of source: any CandidateSource) throws {
    let bytes = candidates.block.bytes
    // Nearly no block has the name, or any name spelled with escapes.
    guard mayHaveOne(bytes) else { return }
    for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      guard mayHaveOne(UnsafeRawBufferPointer(rebasing: line)), let op = JSONValue(line)?["op"]?.text,
        op == "end" || op == "cancel"
      else { continue }
      throw Failure(
        .usage,
        "\(source.place(ofLine: candidates.firstLine + index)): this line would end the input and make requests of what "
          + "follows it; take its 'op' out")
    }
  }

  private static func mayHaveOne(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return false }
    if memchr(base, 0x5C, bytes.count) != nil { return true }
    var at = 0
    while let found = memchr(base + at, 0x70, bytes.count - at) {
      let p = base.distance(to: found)
      if p >= 2, p + 1 < bytes.count, bytes[p - 2] == 0x22, bytes[p - 1] == 0x6F, bytes[p + 1] == 0x22 { return true }
      at = p + 1
    }
    return false
  }
}
