import Glibc

/// A TCP connection of bytes, that waits for nothing longer than `patience`.
package final class OddSocket {
  private let descriptor: Int32

  package init(port: Int, patience: Int = 10) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port)).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    guard code == 0 else { throw TestFault("cannot connect") }
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  /// False when the other end has gone.
  @discardableResult
  package func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// Ends our side.
  package func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  package enum Received: Equatable {
    case bytes([UInt8])
    case end
    case reset
    case nothing
  }

  package func receive() -> Received {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count > 0 { return .bytes(Array(buffer[..<count])) }
    if count == 0 { return .end }
    return errno == ECONNRESET ? .reset : .nothing
  }

  /// All that comes until the other end closes.
  package func receiveAll() -> (bytes: [UInt8], end: Received) {
    var all: [UInt8] = []
    while true {
      let received = receive()
      guard case .bytes(let bytes) = received else { return (all, received) }
      all += bytes
    }
  }

  /// The alerts among all that comes until the other end closes, of records that are not encrypted; and how it ended.
  package func receiveAlerts() -> (alerts: [Alert], end: Received) {
    let (bytes, end) = receiveAll()
    var (alerts, at) = ([Alert](), 0)
    while at + 5 <= bytes.count {
      let length = Int(bytes[at + 3]) << 8 | Int(bytes[at + 4])
      if bytes[at] == 21, length == 2, at + 7 <= bytes.count, let alert = Alert(rawValue: bytes[at + 6]) {
        alerts.append(alert)
      }
      at += 5 + length
    }
    return (alerts, end)
  }
}
