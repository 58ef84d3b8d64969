import Glibc

/// A listening socket that whoever started the server has opened for it, and keeps: between the end of one server and the
/// start of the next, connections wait in it (systemd's socket activation, sd_listen_fds(3)).
package struct InheritedSocket: Sendable {
  package let descriptor: CInt
  /// What it listens on.
  package let address: Address

  /// The first that is handed over; those before it are standard input, output and error.
  private static let first: CInt = 3
  /// The name that rouse-server.socket gives; where no name is given systemd takes the unit's.
  private static let name = "rouse"

  /// Those of LISTEN_FDS, if they are meant for this process; empty: there are none.
  /// - Parameter first: the first descriptor.
  package static func all(
    environment: [String: String], process: Int32 = getpid(), first: CInt = first
  ) throws(ConfigurationError) -> [InheritedSocket] {
    guard let meant = environment["LISTEN_PID"], Int32(meant) == process, let text = environment["LISTEN_FDS"] else {
      return []
    }
    guard let count = Int32(text), (0...64).contains(count) else {
      throw ConfigurationError("LISTEN_FDS: \(text) is no number of sockets from 0 to 64")
    }
    let names = environment["LISTEN_FDNAMES"]?.split(separator: ":", omittingEmptySubsequences: false) ?? []
    var sockets: [InheritedSocket] = []
    for index in 0..<Int(count) {
      let name = index < names.count ? String(names[index]) : ""
      guard name == Self.name || name.isEmpty || name == "unknown" || name.hasSuffix(".socket") else {
        throw ConfigurationError(
          "LISTEN_FDNAMES: the server knows no socket '\(name)'; give its socket the name \(Self.name) (FileDescriptorName)"
        )
      }
      sockets.append(try InheritedSocket(first + Int32(index)))
    }
    return sockets
  }

  private init(_ descriptor: CInt) throws(ConfigurationError) {
    self.descriptor = descriptor
    guard Self.option(descriptor, SO_TYPE) == CInt(SOCK_STREAM.rawValue), Self.option(descriptor, SO_ACCEPTCONN) == 1
    else {
      throw ConfigurationError(
        "LISTEN_FDS: descriptor \(descriptor) is no listening TCP socket; use ListenStream=HOST:PORT, and Accept=no")
    }
    guard let address = Self.address(descriptor) else {
      throw ConfigurationError(
        "LISTEN_FDS: descriptor \(descriptor) listens on no IPv4 or IPv6 address; use ListenStream=HOST:PORT")
    }
    self.address = address
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  private static func option(_ descriptor: CInt, _ name: CInt) -> CInt? {
    var value: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
  }

  private static func address(_ descriptor: CInt) -> Address? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let host = [CChar](unsafeUninitializedCapacity: Int(NI_MAXHOST)) { host, count in
      count = 0
      let name = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Bool in
          getsockname(descriptor, pointer, &size) == 0
            && [sa_family_t(AF_INET), sa_family_t(AF_INET6)].contains(pointer.pointee.sa_family)
            && getnameinfo(pointer, size, host.baseAddress, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
        }
      }
      if name, let start = host.baseAddress { count = strlen(start) }
    }
    guard !host.isEmpty else { return nil }
    let port = withUnsafeBytes(of: storage) { bytes -> UInt16 in
      // Both families have the port at the same place, in the network's order.
      UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }
    return Address(host: String(decoding: host.map(UInt8.init(bitPattern:)), as: UTF8.self), port: Int(port))
  }
}
