import Foundation
import Logging
import RouseWire
import Testing

@testable import RouseServer

/// A log line is one line, whatever stands in it, and machines can read it.
@Suite struct LogLineTests {
  private static let time = LogTime(seconds: 1_772_330_400, milliseconds: 7)

  private func line(_ format: LogFormat, _ message: String, _ metadata: Logger.Metadata = [:]) -> String {
    var out = ByteWriter(capacity: 64)
    LogLine(time: Self.time, level: .info, message: message, metadata: metadata).write(format, into: &out)
    return String(decoding: out.bytes, as: UTF8.self)
  }

  @Test func text() {
    #expect(line(.text, "stopped") == "2026-03-01T02:00:00.007Z info stopped\n")
    #expect(
      line(.text, "listening on all", ["b": "x y", "a": "127.0.0.1:7411", "c": .stringConvertible(3), "d": ""])
        == "2026-03-01T02:00:00.007Z info listening on all a=127.0.0.1:7411 b=\"x y\" c=3 d=\"\"\n")
    #expect(
      line(.text, "m", ["list": ["a b", "c"], "map": ["k": "v"]])
        == "2026-03-01T02:00:00.007Z info m list=[\"a b\",\"c\"] map={\"k\":\"v\"}\n")
  }

  @Test func json() {
    #expect(
      line(.json, "listening", ["n": .stringConvertible(3), "on": .stringConvertible(true), "a": "é\"\\"])
        == #"{"time":"2026-03-01T02:00:00.007Z","level":"info","message":"listening","a":"é\"\\","n":3,"on":true}"#
        + "\n")
    #expect(line(.json, "m", ["x": .stringConvertible(1.5)]).hasSuffix(#""x":1.5}"# + "\n"))
    #expect(line(.json, "m", ["x": .stringConvertible(Double.nan)]).hasSuffix(#""x":"nan"}"# + "\n"))
    #expect(line(.json, "m", ["x": .stringConvertible(UInt64.max)]).hasSuffix(#""x":"18446744073709551615"}"# + "\n"))
    #expect(
      line(.json, "m", ["time": "a", "time_": "b", "level": "c", "timeout": "d"]).hasSuffix(
        #""message":"m","level_":"c","time_":"a","time__":"b","timeout":"d"}"# + "\n"))
  }

  /// Each of these would end, hide or imitate something.
  static let hostile = [
    "a\n2026-03-01T02:00:00.000Z error stolen", "\r\n", "a=b", "\"", "\\", "\u{1B}[2J", "\u{0}", "\u{7F}", "\u{85}",
    "\u{9B}2J", "\u{2028}", "\u{2029}", "\u{202E}txet", "\u{FEFF}", "\u{E0041}", " ", "", "x\" level=error y=\"",
    "\u{1F600} é 中", String(repeating: "\n", count: 5000), String(repeating: "中", count: 5000),
  ]

  @Test(arguments: hostile) func nothingForgesALine(_ text: String) throws {
    for place in 0..<4 {
      let message = place == 0 ? text : "m"
      let metadata: Logger.Metadata =
        switch place {
        case 1: [text: "v"]
        case 2: ["k": .string(text)]
        case 3: ["k": .array([.dictionary([text: .string(text)])])]
        default: [:]
        }
      for format in LogFormat.allCases {
        let line = line(format, message, metadata)
        #expect(line.utf8.count <= LogLine.longest)
        #expect(line.unicodeScalars.filter { $0 == "\n" }.count == 1 && line.hasSuffix("\n"))
        for scalar in line.unicodeScalars.dropLast() {
          #expect(
            scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
              && !"\u{2028}\u{2029}\u{202E}\u{FEFF}\u{E0041}".unicodeScalars.contains(scalar))
        }
        if format == .json {
          let value = try #require(JSONValue(line.utf8.dropLast()), "\(line)")
          #expect(value["level"]?.text == "info")
          if text.utf8.count < 100 {
            switch place {
            case 0: #expect(value["message"]?.text?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
            case 2: #expect(value["k"]?.text?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
            default: break
            }
          }
        } else if place == 2, text != "\u{1F600} é 中" {
          #expect(line.contains(" k=\"") && line.hasSuffix("\"\n"))
        }
      }
    }
  }

  @Test func aLineFitsAPipe() throws {
    var metadata: Logger.Metadata = [:]
    for index in 0..<20 { metadata["k\(10 + index)"] = .string(String(repeating: "x", count: 900)) }
    let long = line(.json, "m", metadata)
    #expect(long.utf8.count <= LogLine.longest)
    let value = try #require(JSONValue(long.utf8.dropLast()))
    #expect(value["cut"]?.boolean == true && value["k10"]?.text?.count == 900 && value["k29"] == nil)
    #expect(line(.text, "m", metadata).hasSuffix(" cut=true\n"))
  }

  @Test func times() {
    #expect(LogTime(seconds: 0, milliseconds: 0).text == "1970-01-01T00:00:00.000Z")
    #expect(LogTime(seconds: .max, milliseconds: 5000).text == "9999-12-31T23:59:59.999Z")
  }
}
