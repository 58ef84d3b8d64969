import NIOCore
import RouseTLS

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A connected and secured socket, without an event loop.
final class LoadSocket {
  let tls: TLSSocket
  let descriptor: Int32
  private let client: Client

  /// Connects, shakes hands and shows the client's token, if it has one. Throws `ClientError`.
  init(_ client: Client, resuming session: TLSSession? = nil) throws(ClientError) {
    self.client = client
    let descriptor = try Self.dial(client)
    do throws(TLSError) {
      let tls = try TLSSocket(
        client: client.context, host: client.endpoint.host, descriptor: descriptor, resuming: session)
      try tls.handshake()
      self.tls = tls
      self.descriptor = descriptor
    } catch {
      close(descriptor)
      throw Self.error(error, client)
    }
    // From here on deinit closes it.
    guard let token = client.token else { return }
    if let fault = try ask(token.request).fault { throw .refused(fault) }
  }

  deinit { close(descriptor) }

  private static func dial(_ client: Client) throws(ClientError) -> Int32 {
    let endpoint = client.endpoint
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &found) == 0 else {
      throw .cannotConnect("cannot find the host '\(endpoint.host)'; check its name")
    }
    defer { freeaddrinfo(found) }
    var fault: Int32 = 0
    var next = found
    while let address = next?.pointee {
      next = address.ai_next
      let descriptor = socket(
        address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), address.ai_protocol)
      guard descriptor >= 0 else {
        fault = errno
        continue
      }
      var seconds = timeval(tv_sec: Int(client.timeout.nanoseconds / 1_000_000_000), tv_usec: 0)
      var one: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &seconds, socklen_t(MemoryLayout<timeval>.size))
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &seconds, socklen_t(MemoryLayout<timeval>.size))
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
      if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
      fault = errno
      close(descriptor)
    }
    throw .cannotConnect("cannot connect to \(endpoint): \(SystemFault(fault)); is the server running there?")
  }

  static func error(_ error: TLSError, _ client: Client) -> ClientError {
    ClientError(
      error, endpoint: client.endpoint, serverName: client.context.settings.serverName ?? client.endpoint.host)
  }

  /// From now on reads and writes do not wait.
  func stopBlocking() { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }

  /// One request and the one line of its answer, on a blocking socket.
  func ask(_ request: String) throws(ClientError) -> Reply {
    let sent = Array((request + "\n").utf8)
    guard case .bytes = sent.withUnsafeBytes(tls.write) else { throw lost }
    var line: [UInt8] = []
    var space = [UInt8](repeating: 0, count: 1 << 14)
    while line.last != 0x0A {
      switch space.withUnsafeMutableBytes(tls.read) {
      case .bytes(let count): line += space[..<count]
      case .failed(let error): throw Self.error(error, client)
      case .wouldBlock, .closedByPeer: throw lost
      }
      guard line.count < 1 << 20 else { throw .garbled("\(client.endpoint) sends what is no answer") }
    }
    guard case .reply(let reply) = line.dropLast().withUnsafeBytes({ ReplyLine($0) }) else {
      throw .garbled("\(client.endpoint) sends what is no answer")
    }
    return reply
  }

  /// After a ping: the server has let us in.
  func pinged() throws(ClientError) -> LoadSocket {
    if let fault = try ask(RequestLine("ping").line).fault { throw .server(fault) }
    return self
  }

  private var lost: ClientError { .lost("the connection to \(client.endpoint) ended before the answer was whole") }

  /// Says goodbye and waits for the server's own, so that neither end has a reset to report.
  func finish() {
    tls.sayGoodbye()
    shutdown(descriptor, Int32(SHUT_WR))
    var space = [UInt8](repeating: 0, count: 1 << 14)
    while case .bytes = space.withUnsafeMutableBytes(tls.read) {}
  }
}

extension Reply {
  /// nil for `ok:true`.
  var fault: ServerFault? { value["ok"]?.boolean == true ? nil : ServerFault(value["error"]) }
}
