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
    var rowBytes = 0
    func passRows() throws {
      guard rowBytes > 0 else { return }
      try held.withUnsafeReadableBytes { try rows(UnsafeRawBufferPointer(rebasing: $0[..<rowBytes])) }
      held.moveReaderIndex(forwardBy: rowBytes)
      rowBytes = 0
    }
    while true {
      guard let end = endOfLine(from: max(rowBytes, scanned)) else { break }
      let view = held.readableBytesView
      let line = view[(view.startIndex + rowBytes)..<(view.startIndex + end)]
      let length = line.count + 1
      scanned = 0
      switch ReplyLine(line) {
      case .row: rowBytes += length
      case .reply(let reply):
        try passRows()
        held.moveReaderIndex(forwardBy: length)
        return reply
      case .goodbye:
        try passRows()
        held.moveReaderIndex(forwardBy: length)
        isDraining = true
      case .garbled:
        throw ClientError.garbled("what the server sends is not the protocol rouse/1; check host and port")
      }
    }
    try passRows()
    scanned = held.readableBytes
    return nil
  }

  private func endOfLine(from start: Int) -> Int? {
    held.withUnsafeReadableBytes { bytes in
      guard let base = bytes.baseAddress, start < bytes.count else { return nil }
      return memchr(base + start, 0x0A, bytes.count - start).map { base.distance(to: $0) }
    }
  }
}
