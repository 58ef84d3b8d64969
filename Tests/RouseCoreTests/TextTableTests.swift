import TestData
import Testing

@testable import RouseCore

@Suite struct TextTableTests {
  /// Texts of every length that share beginnings and ends: each is found, and none that is not there.
  @Test(arguments: [0, 1, 30, 3000]) func eachTextHasItsNumber(_ count: Int) {
    var random = SplitMix(state: UInt64(count))
    func text() -> [UInt8] {
      var text = [UInt8](repeating: 0x61, count: Int.random(in: 0...40, using: &random))
      if let at = text.indices.randomElement(using: &random) {
        text[at] = UInt8.random(in: 0x61...0x62, using: &random)
      }
      return text
    }
    var builder = TextTable.Builder()
    var numbers: [[UInt8]: Int] = [:]
    for _ in 0..<count {
      let text = text()
      numbers[text] = builder.intern(String(decoding: text, as: UTF8.self))
    }
    let table = TextTable(builder)
    for text in Array(numbers.keys) + (0..<2000).map({ _ in text() }) {
      let wanted = UInt64(numbers[text] ?? 0)
      #expect(text.withUnsafeBytes { table.id(of: $0) } == wanted)
      if text.count <= 16 {
        let padded = text + Array("xxxxxxxx".utf8)
        let key = padded.withUnsafeBytes { bytes in
          bytes.baseAddress.map { TextKey($0, count: text.count) } ?? TextKey()
        }
        #expect(table.id(of: key) == wanted)
      }
    }
  }
}
