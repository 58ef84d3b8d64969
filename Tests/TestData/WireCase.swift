import Foundation

/// A conversation of the wire vectors: what a client sends, and what the server answers.
package struct WireCase: Sendable, Decodable, CustomStringConvertible {
  package enum Part: Sendable, Decodable {
    case bytes([UInt8])
    /// Milliseconds.
    case pause(UInt64)
    /// The text of a member by that name that the server has sent, the n-th, counted from 1: it is waited for.
    case answered(String, nth: Int)

    private enum CodingKeys: String, CodingKey {
      case hex, `repeat`, times, answered, nth
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
      } else if let name = try values.decodeIfPresent(String.self, forKey: .answered) {
        self = .answered(name, nth: try values.decode(Int.self, forKey: .nth))
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
  private let clock: String?
  package private(set) var send: [Part]
  package private(set) var get: [Line]
  package let then: End
  /// Users by the arm that the experiment must draw for them.
  package let arms: [String: String]?

  private enum CodingKeys: String, CodingKey {
    case name, why, profile
    case identity = "as"
    case isAlone = "alone"
    case needsTimers = "timers"
    case needsServer = "whole"
    case finishes = "finish"
    case send, get, then, arms, clock
  }

  package var profileName: String { profile ?? "default" }
  package var isNobody: Bool { identity == "nobody" }
  /// One line, and nothing else decides whether it is a request and what is wrong with it.
  package var lineDecides: Bool { isAlone ?? false }
  package var waitsForTimers: Bool { needsTimers ?? false }
  /// It takes a server with its files, not only a session.
  package var isOfServer: Bool { needsServer ?? false }
  /// It takes an empty ledger, and a clock that stands still.
  package var isOfClock: Bool { clock != nil }
  package var endsInput: Bool { finishes ?? false }
  package var description: String { "\(name): \(why)" }

  /// What is sent in all.
  package var bytes: [UInt8] {
    send.flatMap { part -> [UInt8] in
      if case .bytes(let bytes) = part { bytes } else { [] }
    }
  }

  /// What stands for what in one run of a conversation.
  package struct Marks: Sendable {
    /// No other run has had it.
    let run: String
    /// RFC 3339, by the clock of whoever runs it.
    let now: String

    /// - Parameter arm: what the experiment draws for a user.
    package init(for vector: WireCase, now: String, arm: (String) -> String) {
      self.now = now
      var random = SystemRandomNumberGenerator()
      var run = ""
      repeat {
        run = String(random.next() as UInt64, radix: 36)
      } while !(vector.arms ?? [:]).allSatisfy { arm($0.key.replacing("$RUN", with: run)) == $0.value }
      self.run = run
    }

    fileprivate func fill(_ text: String) -> String {
      text.replacing("$RUN", with: run).replacing("$NOW", with: now)
    }

    fileprivate func fill(_ value: JSONNode) -> JSONNode {
      switch value {
      case .text(let text): .text(fill(text))
      case .list(let items): .list(items.map(fill))
      case .object(let members): .object(members.mapValues(fill))
      case .null, .boolean, .number: value
      }
    }
  }

  /// The conversation of one run.
  package func filled(_ marks: Marks) -> WireCase {
    var filled = self
    filled.send = send.map { part in
      guard case .bytes(let bytes) = part, bytes.contains(0x24), let text = String(validating: bytes, as: UTF8.self)
      else { return part }
      return .bytes(Array(marks.fill(text).utf8))
    }
    filled.get = get.map { line in
      switch line {
      case .exact(let text): .exact(marks.fill(text))
      case .has(let wanted): .has(marks.fill(wanted))
      }
    }
    return filled
  }

  /// The n-th text of a member by that name among all that has been answered, if it is there.
  package static func text(of name: String, nth: Int, in answer: [UInt8]) -> String? {
    let parts = String(decoding: answer, as: UTF8.self).components(separatedBy: "\"\(name)\":\"")
    guard parts.count > nth, let end = parts[nth].firstIndex(of: "\"") else { return nil }
    return String(parts[nth][..<end])
  }

  package static let files = ["requests", "errors", "framing", "streams", "ledger"]

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
  /// Whether there is a ledger; nil: as you like.
  package let ledger: Bool?

  private enum CodingKeys: String, CodingKey {
    case wanted = "limits"
    case roles, tokens, ledger
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
