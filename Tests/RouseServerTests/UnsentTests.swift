import TestData
import Testing

@testable import RouseServer

@Suite struct UnsentTests {
  /// Whatever the parts it comes in: what goes out is the same, in pieces, and counted.
  @Test(arguments: 0..<20) func keepsTheOrder(_ seed: UInt64) {
    var random = SplitMix(state: seed)
    var unsent = Unsent()
    var sent: [UInt8] = []
    var all: [UInt8] = []
    for _ in 0..<40 {
      let part = (0..<Int.random(in: 0...(3 * Unsent.piece), using: &random)).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      all += part
      part.withUnsafeBytes { unsent.append($0) }
      while Bool.random(using: &random), let piece = unsent.takeFirst() {
        #expect(piece.readableBytes > 0 && piece.readableBytes <= Unsent.piece)
        sent += piece.readableBytesView
      }
      #expect(unsent.count == all.count - sent.count)
    }
    while let piece = unsent.takeFirst() { sent += piece.readableBytesView }
    #expect(unsent.isEmpty && sent == all)
  }

  @Test func smallPartsGoTogether() {
    var unsent = Unsent()
    for _ in 0..<100 { [UInt8](repeating: 7, count: 100).withUnsafeBytes { unsent.append($0) } }
    #expect(unsent.takeFirst()?.readableBytes == 10_000)
    #expect(unsent.takeFirst() == nil)
  }
}

@Suite struct TideTests {
  @Test func fallsOnceForEachCrowd() {
    var tide = Tide()
    // So little is not worth it.
    let quiet = [1 << 20, 0].map { tide.hasFallen(to: $0) }
    #expect(quiet == [false, false])
    let levels = [100, 80, 51, 50, 40, 26, 25, 300, 10].map { $0 << 20 }
    let fallen = levels.map { tide.hasFallen(to: $0) }
    #expect(fallen == [false, false, false, true, false, false, true, false, true])
  }
}
