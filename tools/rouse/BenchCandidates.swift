import Foundation
import RouseClient
import RouseCore
import RouseWire

/// Whom a load asks about.
enum BenchCandidates {
  /// More would only fill memory: nothing of a candidate is remembered from one request to the next.
  static let most = 1 << 16

  /// The first lines of a file that are not blank, without their LF.
  static func read(_ path: String) throws -> [[UInt8]] {
    let input = try FileInput(path)
    let source = LineSource(input)
    var candidates: [[UInt8]] = []
    while candidates.count < most, let block = try source.next() {
      for line in block.block.bytes.split(separator: 0x0A) where candidates.count < most {
        if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { candidates.append(Array(line)) }
      }
    }
    guard !candidates.isEmpty else { throw Failure(.usage, "there is no candidate in \(input.name)") }
    return candidates
  }

  /// The same each time, but for the moment: a value for each field that the policy declares, or none in one of eight.
  static func madeUp(for kinds: [String: FieldKind], now: Int64) -> [[UInt8]] {
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let fields = kinds.sorted { $0.key < $1.key }
    return (0..<1000).map { number in
      var members = ["\"user_id\":\"bench-\(number)\""]
      for (name, kind) in fields where random(8) > 0 {
        let value: String
        switch kind {
        case .times: value = String(now - Int64(random(180 * 86_400)))
        case .timesAhead: value = String(now + Int64(random(30 * 86_400)))
        case .numbers: value = String(random(20) == 0 ? random(20_000) : random(12))
        case .flags: value = random(2) == 0 ? "false" : "true"
        case .texts: value = "\"value \(random(4))\""
        }
        members.append("\(JSONText.quoted(name)):\(value)")
      }
      return Array("{\(members.joined(separator: ","))}".utf8)
    }
  }
}
