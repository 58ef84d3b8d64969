/// The first message of a client, byte for byte as a test wants it.
package struct ClientHello {
  package var legacyVersion: UInt16 = 0x0303
  package var session = [UInt8](repeating: 0x5A, count: 32)
  /// TLS_AES_128_GCM_SHA256.
  package var suites: [UInt16] = [0x1301]
  package var compressions: [UInt8] = [0]
  /// In their order on the wire.
  package var extensions: [(type: UInt16, body: [UInt8])] = [
    (Self.versions, [2, 0x03, 0x04]),
    (Self.groups, [0, 4, 0x00, 0x1D, 0x00, 0x17]),
    (Self.signatures, [0, 2, 0x04, 0x03]),
    // X25519, and any 32 bytes are a point of it.
    (Self.shares, Self.share(0x001D, [UInt8](repeating: 9, count: 32))),
  ]

  package static let groups: UInt16 = 10
  package static let signatures: UInt16 = 13
  package static let versions: UInt16 = 43
  package static let shares: UInt16 = 51

  package init() {}
  package init(_ change: (inout ClientHello) -> Void) { change(&self) }

  /// The body of a key share of one group.
  package static func share(_ group: UInt16, _ point: [UInt8]) -> [UInt8] {
    sized(group.bytes + sized(point))
  }

  package mutating func set(_ type: UInt16, _ body: [UInt8]?) {
    extensions = extensions.compactMap { old in
      old.type == type ? body.map { (type, $0) } : old
    }
  }

  /// The handshake message, with its header.
  package var message: [UInt8] {
    var body = legacyVersion.bytes + [UInt8](repeating: 0x42, count: 32)
    body += [UInt8(session.count)] + session
    body += sized(suites.flatMap(\.bytes))
    body += [UInt8(compressions.count)] + compressions
    body += sized(extensions.flatMap { $0.type.bytes + sized($0.body) })
    return Self.message(1, body)
  }

  /// In a record of its own.
  package var record: [UInt8] { Self.record(22, message) }

  package static func message(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
    [type, UInt8(body.count >> 16)] + UInt16(body.count & 0xFFFF).bytes + body
  }

  package static func record(_ type: UInt8, _ body: [UInt8], version: UInt16 = 0x0301) -> [UInt8] {
    [type] + version.bytes + sized(body)
  }
}

/// With a length of two bytes before it.
package func sized(_ body: [UInt8]) -> [UInt8] { UInt16(body.count).bytes + body }

extension UInt16 {
  var bytes: [UInt8] { [UInt8(self >> 8), UInt8(self & 255)] }
}
