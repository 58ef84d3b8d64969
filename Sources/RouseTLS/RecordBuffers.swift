import COpenSSL
import NIOCore

/// Where a connection's TLS records lie between OpenSSL and the network: a BIO over two ByteBuffers, so that no byte is
/// copied only to change hands.
final class RecordBuffers {
  /// Came from the network, not yet read by OpenSSL.
  var inbox = ByteBuffer()
  /// Written by OpenSSL, to be sent.
  var outbox = ByteBuffer()
  /// OpenSSL has written anything yet.
  private(set) var hasSpoken = false

  /// What OpenSSL has written so far; the outbox is empty afterwards.
  func takeOutbox() -> ByteBuffer? {
    guard outbox.readableBytes > 0 else { return nil }
    defer { outbox = ByteBuffer() }
    return outbox
  }

  /// A BIO that reads and writes here. It does not keep the buffers alive: their owner frees the SSL first.
  func makeBIO() -> OpaquePointer? {
    guard let method = Self.method.pointer, let bio = BIO_new(method) else { return nil }
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    return bio
  }

  /// Unchecked: made once, and only read afterwards.
  private struct Method: @unchecked Sendable {
    let pointer: OpaquePointer?
  }

  private static let method: Method = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rouse records") else {
      return Method(pointer: nil)
    }
    BIO_meth_set_read(method) { bio, bytes, count in
      rouse_bio_clear_retry(bio)
      guard let bytes, count > 0, let buffers = RecordBuffers.of(bio) else { return -1 }
      let available = min(buffers.inbox.readableBytes, Int(count))
      guard available > 0 else {
        rouse_bio_retry_read(bio)
        return -1
      }
      buffers.inbox.readWithUnsafeReadableBytes { source -> Int in
        UnsafeMutableRawPointer(bytes).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[..<available]).baseAddress ?? UnsafeRawPointer(bytes),
          byteCount: available)
        return available
      }
      return Int32(available)
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      rouse_bio_clear_retry(bio)
      guard let bytes, count > 0, let buffers = RecordBuffers.of(bio) else { return -1 }
      buffers.hasSpoken = true
      buffers.outbox.writeBytes(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
      return count
    }
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return Method(pointer: method)
  }()

  private static func of(_ bio: OpaquePointer?) -> RecordBuffers? {
    BIO_get_data(bio).map { Unmanaged<RecordBuffers>.fromOpaque($0).takeUnretainedValue() }
  }
}
