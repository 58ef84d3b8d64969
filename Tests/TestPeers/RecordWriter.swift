import COpenSSL

/// Encrypts records of a TLS 1.3 connection (TLS_AES_128_GCM_SHA256) with whatever in them: what no library would send.
package struct RecordWriter {
  private let key: [UInt8]
  private let iv: [UInt8]
  private var sequence: UInt64 = 0

  /// - Parameter secret: the client's application traffic secret.
  init(secret: [UInt8]) {
    key = Self.expand(secret, "key", 16)
    iv = Self.expand(secret, "iv", 12)
  }

  /// HKDF-Expand-Label (RFC 8446, 7.1), of at most one block.
  private static func expand(_ secret: [UInt8], _ label: String, _ count: Int) -> [UInt8] {
    let name = Array("tls13 \(label)".utf8)
    let info = UInt16(count).bytes + [UInt8(name.count)] + name + [0, 1]
    var block = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 32
    HMAC(EVP_sha256(), secret, Int32(secret.count), info, info.count, &block, &length)
    return Array(block.prefix(count))
  }

  /// A whole record.
  /// - Parameters:
  ///   - type: stands inside, after the content; nil leaves it out.
  ///   - padding: zeros after that.
  package mutating func record(_ type: UInt8?, _ content: [UInt8], padding: Int = 0) throws -> [UInt8] {
    let plain = content + (type.map { [$0] } ?? []) + [UInt8](repeating: 0, count: padding)
    let header = [23, 3, 3] + UInt16(plain.count + 16).bytes
    var nonce = iv
    for index in 0..<8 { nonce[4 + index] ^= UInt8(truncatingIfNeeded: sequence >> (56 - 8 * index)) }
    sequence += 1
    guard let context = EVP_CIPHER_CTX_new() else { throw TestFault("no memory") }
    defer { EVP_CIPHER_CTX_free(context) }
    var sealed = [UInt8](repeating: 0, count: plain.count + 16)
    var tag = [UInt8](repeating: 0, count: 16)
    var count: Int32 = 0
    guard EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nil, key, nonce) == 1,
      EVP_EncryptUpdate(context, nil, &count, header, Int32(header.count)) == 1,
      EVP_EncryptUpdate(context, &sealed, &count, plain, Int32(plain.count)) == 1,
      EVP_EncryptFinal_ex(context, &sealed, &count) == 1,
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1
    else { throw TestFault("no record") }
    return header + sealed.prefix(plain.count) + tag
  }
}
