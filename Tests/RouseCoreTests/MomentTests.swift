import TestData
import Testing

@testable import RouseCore

/// The plain form of a time against the reader of every form.
@Suite struct MomentTests {
  /// nil when both say the same.
  private func fault(_ text: [UInt8]) -> String? {
    let (plain, any) = text.withUnsafeBytes { bytes in
      (bytes.baseAddress.flatMap { Moment.parseUTC($0) }, Moment.parse(bytes))
    }
    // Small letters are left to the other.
    let isOther = text[10] != 0x54 || text[19] != 0x5A
    if plain == (isOther ? nil : any) { return nil }
    return "\(String(decoding: text, as: UTF8.self)) is \(plain.map(String.init) ?? "no time")"
  }

  @Test func everyDayOfSomeYearsAndSomeOfEvery() {
    for year in 0...9999 {
      let isWhole = [1, 4, 100, 400, 1600, 1900, 1970, 2000, 2024, 2025, 2100, 9999].contains(year)
      for month in isWhole ? Array(0...13) : [2] {
        for day in isWhole ? Array(0...33) : [1, 28, 29, 30] {
          let date = [year / 100, year % 100, month, day].map { $0 < 10 ? "0\($0)" : "\($0)" }
          let text = "\(date[0])\(date[1])-\(date[2])-\(date[3])T\(isWhole ? "23:59:58" : "00:00:00")Z"
          #expect(fault(Array(text.utf8)) == nil)
        }
      }
    }
  }

  @Test func everyByteInEveryPlace() {
    for text in ["2025-02-14T08:24:22Z", "1999-12-31T23:59:59Z", "2000-02-29T00:00:00Z", "0001-01-01T00:00:00Z"] {
      for place in 0..<20 {
        for byte in UInt8.min...UInt8.max {
          var changed = Array(text.utf8)
          changed[place] = byte
          #expect(fault(changed) == nil)
        }
      }
    }
  }

  @Test func anyDigits() {
    var random = SplitMix(state: 7)
    for _ in 0..<20_000 {
      let text = "0000-00-00T00:00:00Z".utf8.map { byte in
        byte == 0x30 ? UInt8.random(in: 0x30...0x33, using: &random) : byte
      }
      #expect(fault(text) == nil)
    }
  }
}
