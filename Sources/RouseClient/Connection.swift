import NIOCore
import RouseWire

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One connection, for one task at a time: requests go out, answers come back in order.
package final class Connection {
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  /// Has come, and is no whole line yet.
  private var held = ByteBuffer()
  /// How much of what is held is known to have no LF.
  private var scanned = 0
  private var isDraining = false

  /// An answer of 1,000 explained decisions stays far below it.
  private static let longestLine = 256 << 20

  init(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) {
    self.inbound = inbound.makeAsyncIterator()
    self.outbound = outbound
  }

  /// Sends one request line, without its LF, and waits for its answer. Throws `ClientError.server` for `ok:false`.
  ///
  /// - Parameter rows: whole lines that come before the answer's last, each with its LF.
  package func request(
    _ line: String, rows: (UnsafeRawBufferPointer) throws -> Void = { _ in }
  ) async throws -> Reply {
    // A write that fails has its reason in what the server said last: the reader finds it.
    try? await outbound.write(ByteBuffer(string: line + "\n"))
    return try await receive(rows).checked()
  }

  /// Sends a few requests at once, and waits for the answer of each, whether it is `ok` or not.
  package func requests(_ lines: [String]) async throws -> [Reply] {
    try? await outbound.write(ByteBuffer(string: lines.map { $0 + "\n" }.joined()))
    var replies: [Reply] = []
    for _ in lines { replies.append(try await receive { _ in }) }
    return replies
  }

  /// Says who we are, and waits until the server knows us.
  func show(_ token: AccessToken) async throws {
    do {
      _ = try await request(token.request)
    } catch ClientError.server(let fault) where fault.code == "unauthenticated" {
      throw ClientError.refused(fault)
    }
  }

  /// Sends a request with `"stream":true` and its candidates, and hands over the rows as they come: reading never waits
  /// for writing, nor writing for reading, and what is not taken here stops the server.
  ///
  /// - Parameters:
  ///   - candidates: whole lines, each with its LF; nil ends the request. What it throws cancels the request.
  ///   - rows: whole lines, each with its LF, as they came.
  package func stream(
    _ head: String, candidates: @escaping @Sendable () async throws -> Block?,
    rows: (UnsafeRawBufferPointer) throws -> Void
  ) async throws -> Reply {
    let writer = Task { [outbound] () -> (any Error)? in
      do {
        try await outbound.write(ByteBuffer(string: head + "\n"))
      } catch {
        return nil
      }
      while !Task.isCancelled {
        let chunk: ByteBuffer?
        do {
          chunk = try await candidates().map { ByteBuffer(bytes: $0.bytes) }
        } catch {
          try? await outbound.write(ByteBuffer(string: "{\"op\":\"cancel\"}\n"))
          return error
        }
        do {
          try await outbound.write(chunk ?? ByteBuffer(string: "{\"op\":\"end\"}\n"))
        } catch {
          return nil
        }
        if chunk == nil { return nil }
      }
      return nil
    }
    // Not waited for: it may hang in a read of a terminal, and the answer is here.
    defer { writer.cancel() }
    do {
      return try await receive(rows).checked()
    } catch ClientError.server(let fault) where fault.code == "cancelled" {
      throw await writer.value ?? ClientError.server(fault)
    }
  }

  /// Reads up to the line with `ok`; rows before it are handed over.
  private func receive(_ rows: (UnsafeRawBufferPointer) throws -> Void) async throws -> Reply {
    while true {
      if let reply = try takeLines(rows) { return reply }
      if held.readableBytes > Self.longestLine { throw ClientError.garbled("the server sends a line without an end") }
      guard let chunk = try await inbound.next() else {
        throw ClientError.lost(
          isDraining
            ? "the server is shutting down, and closed the connection before the answer was whole"
            : "the server closed the connection before the answer was whole")
      }
      if held.readableBytes == 0 {
        held = chunk
      } else {
        held.discardReadBytes()
        held.writeImmutableBuffer(chunk)
      }
    }
  }

  private func takeLines(_ rows: (UnsafeRawBufferPointer) throws -> Void) throws -> Reply? {
    while true {
      let (passed, length, what) = try held.withUnsafeReadableBytes { try Self.readLines($0, from: scanned, rows) }
      held.moveReaderIndex(forwardBy: passed + length)
      scanned = 0
      switch what {
      case .reply(let reply): return reply
      case .goodbye: isDraining = true
      case .row, .garbled:
        scanned = held.readableBytes
        return nil
      }
    }
  }

  /// Hands over rows up to the first line that is none, or as far as there are whole lines.
  /// - Returns: bytes of rows, bytes of the line after them, and what that is; `.row` where there is none.
  private static func readLines(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ rows: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> (passed: Int, length: Int, what: ReplyLine) {
    var passed = 0
    var length = 0
    var what = ReplyLine.row
    while let base = bytes.baseAddress {
      let from = max(passed, start)
      guard from < bytes.count, let lf = memchr(base + from, 0x0A, bytes.count - from) else { break }
      let end = base.distance(to: UnsafeRawPointer(lf))
      what = ReplyLine(UnsafeRawBufferPointer(rebasing: bytes[passed..<end]))
      if case .row = what {
        passed = end + 1
        continue
      }
      if case .garbled = what {
        throw ClientError.garbled("what the server sends is not the protocol rouse/1; check host and port")
      }
      length = end + 1 - passed
      break
    }
    if passed > 0 { try rows(UnsafeRawBufferPointer(rebasing: bytes[..<passed])) }
    return (passed, length, what)
  }
}
