import RouseWire

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The line that ends an answer.
package struct Reply: Sendable {
  /// As it came, without its LF.
  package let line: [UInt8]
  package let value: JSONValue

  /// Throws for `ok:false`.
  package func checked() throws(ClientError) -> Reply {
    guard value["ok"]?.boolean == true else { throw .server(ServerFault(value["error"])) }
    return self
  }
}

/// What a line from the server is.
enum ReplyLine {
  case row
  case reply(Reply)
  /// The server will close: draining.
  case goodbye
  case garbled

  /// A row is passed on unread where it cannot be anything else: a name is `ok` only if it is spelled so, or with an
  /// escape. Texts may hold either, so those lines are read in full.
  init(_ line: UnsafeRawBufferPointer) {
    guard line.first == 0x7B else {
      self = .garbled
      return
    }
    if Self.startsAsRow(line), !Self.mayNameOK(line) {
      self = .row
      return
    }
    guard let value = JSONValue(line), case .object = value else {
      self = .garbled
      return
    }
    if value["ok"] != nil {
      self = .reply(Reply(line: Array(line), value: value))
    } else if value["event"] != nil {
      self = .goodbye
    } else {
      self = .row
    }
  }

  /// Of decisions, and of events' answers.
  private static func startsAsRow(_ line: UnsafeRawBufferPointer) -> Bool {
    starts(line, "{\"user_id\":") || starts(line, "{\"key\":")
  }

  private static func starts(_ line: UnsafeRawBufferPointer, _ start: StaticString) -> Bool {
    guard let base = line.baseAddress, line.count >= start.utf8CodeUnitCount else { return false }
    return memcmp(base, start.utf8Start, start.utf8CodeUnitCount) == 0
  }

  private static func mayNameOK(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    if memchr(base, 0x5C, bytes.count) != nil { return true }
    var at = 0
    while let found = memchr(base + at, 0x6B, bytes.count - at) {
      let k = base.distance(to: found)
      if k >= 2, k + 1 < bytes.count, bytes[k - 2] == 0x22, bytes[k - 1] == 0x6F, bytes[k + 1] == 0x22 { return true }
      at = k + 1
    }
    return false
  }
}
