import RouseCore
import TestData
import Testing

@testable import RouseWire

/// Numbers, moments and texts as bytes, against what Swift makes of them.
@Suite struct WritingTests {
  private func written(_ write: (inout ByteWriter) -> Void) -> String {
    var out = ByteWriter()
    write(&out)
    return String(decoding: out.array, as: UTF8.self)
  }

  /// With a sign, and as many decimals as are not zeros.
  private func reference(_ value: Int128, units: UInt128, decimals: Int) -> String {
    let magnitude = value.magnitude
    var fraction = String(magnitude % units)
    fraction = String(repeating: "0", count: decimals - fraction.count) + fraction
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return (value < 0 ? "-" : "") + String(magnitude / units) + (fraction.isEmpty ? "" : "." + fraction)
  }

  private var numbers: [Int64] {
    var random = SplitMix(state: 11)
    var numbers: [Int64] = [.min, .max, 0, -1, 9, 10, 99, 100, 999, 1000, 999_999, 1_000_000, 1_000_001, 10_000]
    for bits in 1...63 { for _ in 0..<40 { numbers.append(Int64.random(in: .min ... .max, using: &random) >> bits) } }
    var power: Int64 = 1
    for _ in 0..<18 {
      power *= 10
      numbers += [power - 1, power, power + 1, -power]
    }
    return numbers
  }

  @Test func wholeNumbersAndMicros() {
    for number in numbers {
      #expect(written { $0.write(number) } == String(number))
      #expect(written { $0.write(micros: number) } == reference(Int128(number), units: 1_000_000, decimals: 6))
      #expect(
        written { out in
          var cursor = out.cursor(ByteCursor.longestNumber)
          cursor.write(tenThousandths: Int128(number))
          out.end(cursor)
        } == reference(Int128(number), units: 10_000, decimals: 4))
      let large = Int128(number) * 1_000_000_007
      #expect(written { $0.write(micros: large) } == reference(large, units: 1_000_000, decimals: 6))
      #expect(
        written { out in
          var cursor = out.cursor(ByteCursor.longestNumber)
          cursor.write(tenThousandths: large)
          out.end(cursor)
        } == reference(large, units: 10_000, decimals: 4))
    }
  }

  @Test func moments() {
    var random = SplitMix(state: 12)
    let edges = [Moment.first, Moment.last, 0, -1, Moment.last + 1, Moment.last + 36_500 * Moment.day]
    for moment in edges + (0..<2000).map({ _ in Int64.random(in: Moment.first...Moment.last, using: &random) }) {
      #expect(written { $0.write(moment: moment) } == "\"" + Moment.format(moment) + "\"")
    }
  }

  /// Return on investment in 64 bits, where it fits, is that in 128.
  @Test func returns() {
    var random = SplitMix(state: 13)
    for _ in 0..<5000 {
      let shift = Int.random(in: 0..<63, using: &random)
      let value = Int64.random(in: -9_200_000_000_000_000_000...9_200_000_000_000_000_000, using: &random) >> shift
      let spend =
        Int64.random(in: 0...9_200_000_000_000_000_000, using: &random) >> Int.random(in: 0..<63, using: &random)
      let option = Option(value: value, spend: spend, capital: 0, p: 0, channel: 0)
      #expect(
        option.roi
          == (spend == 0 ? nil : floorDivide(20_000 * Int128(value) + Int128(spend), 2 * Int128(spend))))
    }
  }

  /// A user_id of any bytes stands in a row as a JSON string, whichever of them need an escape.
  @Test func userIDs() throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: "2026-03-01T02:00:00Z")
    let writer = offline.writer
    var random = SplitMix(state: 14)
    var decision = Decision()
    decision.invalidate(.i03)
    for count in 1...128 {
      for _ in 0..<20 {
        var id = (0..<count).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
          id[Int.random(in: 0..<count, using: &random)] =
            [0x22, 0x5C, 0, 0x1F, 0x0A, 0x7F, 0x21, 0x23][
              Int.random(in: 0..<8, using: &random)]
        }
        let row = written { out in id.withUnsafeBytes { writer.write(decision, userID: $0, into: &out) } }
        let text = written { out in id.withUnsafeBytes { out.writeQuoted($0) } }
        #expect(row == "{\"user_id\":\(text),\"status\":\"invalid\",\"reasons\":[\"I03\"]}")
      }
    }
  }
}
