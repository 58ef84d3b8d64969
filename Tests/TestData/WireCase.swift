import Foundation

/// A conversation of the wire vectors: what a client sends, and what the server answers.
package struct WireCase: Sendable, Decodable, CustomStringConvertible {
  package enum Part: Sendable, Decodable {
    case bytes([UInt8])
    /// Milliseconds.
    case pause(UInt64)

    private enum CodingKeys: String, CodingKey {
      case hex, `repeat`, times
      case wait = "wait_ms"
    }

    package init(from decoder: any Decoder) throws {
      if let text = try? decoder.singleValueContainer().decode(String.self) {
        self = .bytes(Array(text.utf8))
        return
      }
      let values = try decoder.container(keyedBy: CodingKeys.self)
      if let hex = try values.decodeIfPresent(String.self, forKey: .hex) {
        self = .bytes(Vectors.bytes(hex: hex))
      } else if let unit = try values.decodeIfPresent(String.self, forKey: .repeat) {
        let times = try values.decode(Int.self, forKey: .times)
        self = .bytes(Array(repeatElement(Array(unit.utf8), count: times).joined()))
      } else {
        self = .pause(try values.decode(UInt64.self, forKey: .wait))
      }
    }
  }

  /// A line of the answer.
  package enum Line: Sendable, Decodable, CustomStringConvertible {
    /// Byte for byte, but `"*"` stands for any text that is not empty.
    case exact(String)
    /// An object that has these members, and may have more.
    case has(JSONNode)

    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .exact(text)
      } else {
        self = .has(try container.decode([String: JSONNode].self)["has"] ?? .null)
      }
    }

    package func fits(_ line: [UInt8]) -> Bool {
      switch self {
      case .exact(let pattern): Self.fits(line, Array(pattern.utf8))
      case .has(let wanted): (try? JSONNode(line))?.has(wanted) ?? false
      }
    }

    private static func fits(_ line: [UInt8], _ pattern: [UInt8]) -> Bool {
      var at = 0
      var rest = pattern[...]
      while let next = rest.first {
        guard at < line.count, line[at] == next else { return false }
        at += 1
        guard rest.starts(with: #""*""#.utf8) else {
          rest = rest.dropFirst()
          continue
        }
        let start = at
        while at < line.count, line[at] != 0x22 { at += line[at] == 0x5C ? 2 : 1 }
        guard at < line.count, at > start else { return false }
        at += 1
        rest = rest.dropFirst(3)
      }
      return at == line.count
    }

    package var description: String {
      switch self {
      case .exact(let text): text
      case .has(let wanted): "an object that has \(wanted)"
      }
    }
  }

  package enum End: String, Sendable, Decodable {
    /// The next request is answered.
    case open
    /// The server has sent close_notify after its last line.
    case closed
  }

  package let name: String
  package let why: String
  private let profile: String?
  private let identity: String?
  private let isAlone: Bool?
  private let needsTimers: Bool?
  private let needsServer: Bool?
  private let finishes: Bool?
  package let send: [Part]
  package let get: [Line]
  package let then: End

  private enum CodingKeys: String, CodingKey {
    case name, why, profile
    case identity = "as"
    case isAlone = "alone"
    case needsTimers = "timers"
    case needsServer = "whole"
    case finishes = "finish"
    case send, get, then
  }

  package var profileName: String { profile ?? "default" }
  package var isNobody: Bool { identity == "nobody" }
  /// One line, and nothing else decides whether it is a request and what is wrong with it.
  package var lineDecides: Bool { isAlone ?? false }
  package var waitsForTimers: Bool { needsTimers ?? false }
  /// It takes a server with its files, not only a session.
  package var isOfServer: Bool { needsServer ?? false }
  package var endsInput: Bool { finishes ?? false }
  package var description: String { "\(name): \(why)" }

  /// What is sent in all.
  package var bytes: [UInt8] {
    send.flatMap { part -> [UInt8] in
      if case .bytes(let bytes) = part { bytes } else { [] }
    }
  }

  package static let files = ["requests", "errors", "framing", "streams"]

  /// Empty when there is no such file: whoever runs a test for each case must also expect their number.
  package static func all(_ file: String) -> [WireCase] {
    Vectors.objects("wire/\(file).ndjson", of: WireCase.self)
  }

  package static let all: [WireCase] = files.flatMap { all($0) }

  /// The first line by which an answer differs from the expected one.
  package func fault(in answer: [UInt8]) -> String? {
    var lines = answer.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
    if lines.last?.isEmpty == true { lines.removeLast() } else { return "the last line has no LF" }
    for index in 0..<max(lines.count, get.count) {
      guard index < lines.count, index < get.count, get[index].fits(lines[index]) else {
        let got = index < lines.count ? String(decoding: lines[index], as: UTF8.self) : "(nothing)"
        let wanted = index < get.count ? get[index].description : "(nothing)"
        return "line \(index + 1):\n got    \(got)\n wanted \(wanted)"
      }
    }
    return nil
  }
}

/// What a server must be like for a case of the wire vectors.
package struct WireProfile: Sendable, Decodable {
  package struct Token: Sendable, Decodable {
    package let sha256: String
    package let roles: [String]
    package let added: String
  }

  private let wanted: [String: Int?]
  package let roles: [String]
  package let tokens: [String: Token]?

  private enum CodingKeys: String, CodingKey {
    case wanted = "limits"
    case roles, tokens
  }

  /// Those that are not absent.
  package var limits: [String: Int] { wanted.compactMapValues { $0 } }

  /// Requests of one case must not use up those of another.
  package var isMetered: Bool { limits["requests_per_second"] != nil }

  package static let all: [String: WireProfile] = {
    (try? JSONDecoder().decode([String: WireProfile].self, from: Data(Vectors.bytes("wire/profiles.json")))) ?? [:]
  }()
}

extension Vectors {
  /// The objects of a file, one a line; empty when something is wrong with it.
  package static func objects<Object: Decodable>(_ path: String, of type: Object.Type) -> [Object] {
    let lines = ((try? bytes(path)) ?? []).split(separator: 0x0A)
    return (try? lines.map { try JSONDecoder().decode(type, from: Data($0)) }) ?? []
  }

  /// Bytes of two hexadecimal digits each.
  package static func bytes(hex: String) -> [UInt8] {
    let digits = hex.compactMap { $0.hexDigitValue.map(UInt8.init) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
