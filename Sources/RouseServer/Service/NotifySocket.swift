import Glibc
import Synchronization

/// The socket on which a service manager hears how the server is doing: lines of NAME=value, a datagram each (systemd's
/// `Type=notify`, sd_notify(3)). Without NOTIFY_SOCKET there is none, and nothing is said.
package final class NotifySocket: Sendable {
  /// What the manager asks for with WATCHDOG_USEC: a sign of life at least so often; nil: none is asked for.
  package let watchdog: Duration?
  private let descriptor: CInt
  private let address: sockaddr_un
  private let addressLength: socklen_t
  /// Said last, so that it is not said again.
  private let status = Mutex("")

  /// nil where no manager listens.
  /// - Parameter process: our own number: the watchdog may be meant for another process.
  package init?(environment: [String: String], process: Int32 = getpid()) throws(ConfigurationError) {
    guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
    guard let address = Self.address(path) else {
      throw ConfigurationError(
        "NOTIFY_SOCKET: \(path) is no absolute path and no @name of at most 107 bytes; unset it where no service manager runs"
      )
    }
    (self.address, addressLength) = address
    descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw ConfigurationError("NOTIFY_SOCKET: no socket: \(String(cString: strerror(errno)))")
    }
    // A manager that does not read holds the server up for a second at most.
    var patience = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    watchdog = Self.watchdog(environment, process: process)
  }

  deinit { close(descriptor) }

  /// Tells it in one datagram. False: it did not arrive, which changes nothing for the server.
  @discardableResult
  package func say(_ lines: String...) -> Bool {
    let bytes = Array(lines.joined(separator: "\n").utf8)
    return withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        while true {
          let count = sendto(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL), pointer, addressLength)
          if count < 0, errno == EINTR { continue }
          return count == bytes.count
        }
      }
    }
  }

  /// The line that `systemctl status` shows, where it is another than before.
  package func show(_ text: String) {
    let isNew = status.withLock { status in
      defer { status = text }
      return status != text
    }
    if isNew { say("STATUS=\(text)") }
  }

  /// A leading @ stands for the NUL of an abstract socket.
  private static func address(_ path: String) -> (sockaddr_un, socklen_t)? {
    var bytes = Array(path.utf8)
    guard bytes.count > 1, bytes[0] == UInt8(ascii: "/") || bytes[0] == UInt8(ascii: "@"), !bytes.contains(0) else {
      return nil
    }
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < room else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    // An abstract name has no NUL behind it: each byte that is counted is part of it.
    let length = MemoryLayout<sockaddr_un>.size - room + bytes.count + (bytes[0] == 0 ? 0 : 1)
    return (address, socklen_t(length))
  }

  private static func watchdog(_ environment: [String: String], process: Int32) -> Duration? {
    guard let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init), microseconds > 0 else { return nil }
    if let meant = environment["WATCHDOG_PID"], Int32(meant) != process { return nil }
    return .microseconds(microseconds)
  }
}
