import Logging
import RouseWire

/// One event as one line.
struct LogLine {
  let time: LogTime
  let level: Logger.Level
  let message: String
  let metadata: Logger.Metadata

  /// A pipe takes so much in one piece or not at all (PIPE_BUF), whoever else writes to it. What does not fit is left out,
  /// and the line says so.
  static let longest = 4096
  /// What one text may take of it.
  private static let roomForText = 1024
  private static let roomForKey = 128

  func write(_ format: LogFormat, into out: inout ByteWriter) {
    switch format {
    case .text: writeText(into: &out)
    case .json: writeJSON(into: &out)
    }
    out.put(0x0A)
  }

  /// `2026-03-01T02:00:00.123Z info listening address=127.0.0.1:7411`
  ///
  /// The message is bare words, or quoted when it has a `=` or anything else that metadata begins or ends with.
  private func writeText(into out: inout ByteWriter) {
    let start = out.count
    out.write(time.text)
    out.put(0x20)
    out.write(level.rawValue)
    out.put(0x20)
    let areWords = message.split(separator: " ", omittingEmptySubsequences: false).allSatisfy(\.isLogWord)
    if areWords, message.utf8.count <= Self.roomForText {
      out.write(message)
    } else {
      out.writeLogged(message, room: Self.roomForText)
    }
    for (key, value) in ordered {
      let before = out.count
      out.put(0x20)
      out.writeWord(key, room: Self.roomForKey)
      out.put(0x3D)
      switch value {
      case .string(let text): out.writeWord(text, room: Self.roomForText)
      case .stringConvertible(let value): out.writeWord(value.description, room: Self.roomForText)
      case .array, .dictionary: writeJSON(value, into: &out)
      }
      if out.count - start > Self.longest - 16 {
        out.truncate(to: before)
        out.write(" cut=true")
        break
      }
    }
  }

  private func writeJSON(into out: inout ByteWriter) {
    let start = out.count
    out.write("{\"time\":\"")
    out.write(time.text)
    out.write("\",\"level\":\"")
    out.write(level.rawValue)
    out.write("\",\"message\":")
    out.writeLogged(message, room: Self.roomForText)
    for (key, value) in ordered {
      let before = out.count
      out.put(0x2C)
      out.writeLogged(memberName(key), room: Self.roomForKey)
      out.put(0x3A)
      writeJSON(value, into: &out)
      if out.count - start > Self.longest - 16 {
        out.truncate(to: before)
        out.write(",\"cut\":true")
        break
      }
    }
    out.put(0x7D)
  }

  private var ordered: [(key: String, value: Logger.MetadataValue)] { metadata.sorted { $0.key < $1.key } }

  /// Metadata never takes the place of the line's own members.
  private func memberName(_ key: String) -> String {
    let own = ["time", "level", "message", "cut"]
    guard own.contains(where: key.hasPrefix) else { return key }
    let bare = key.reversed().drop { $0 == "_" }.reversed()
    return own.contains(String(bare)) ? key + "_" : key
  }

  private func writeJSON(_ value: Logger.MetadataValue, into out: inout ByteWriter) {
    switch value {
    case .string(let text): out.writeLogged(text, room: Self.roomForText)
    case .stringConvertible(let flag as Bool): out.write(flag ? "true" : "false")
    case .stringConvertible(let number as any FixedWidthInteger):
      // Beyond 2^53 readers disagree about numbers (RFC 7493).
      if let whole = Int64(exactly: number), whole.magnitude < 1 << 53 {
        out.write(whole)
      } else {
        out.writeLogged(number.description, room: Self.roomForText)
      }
    case .stringConvertible(let number as Double) where number.isFinite: out.write(number: number)
    case .stringConvertible(let value): out.writeLogged(value.description, room: Self.roomForText)
    case .array(let items):
      out.put(0x5B)
      for (index, item) in items.enumerated() {
        if index > 0 { out.put(0x2C) }
        writeJSON(item, into: &out)
      }
      out.put(0x5D)
    case .dictionary(let members):
      out.put(0x7B)
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { out.put(0x2C) }
        out.writeLogged(member.key, room: Self.roomForKey)
        out.put(0x3A)
        writeJSON(member.value, into: &out)
      }
      out.put(0x7D)
    }
  }
}
