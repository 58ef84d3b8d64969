import Foundation
import Glibc

/// Who listens on an address of this machine.
enum Listening {
  enum Holder: Equatable {
    case free
    case process(ProcessName)
    /// Somebody, but of another user.
    case somebody
    /// Nobody can listen there.
    case impossible(String)

    /// The server itself, if it is one.
    var server: ProcessName? {
      if case .process(let holder) = self, holder.name.hasPrefix("rouse-server") { holder } else { nil }
    }
  }

  static func find(_ address: Address) -> Holder {
    guard address.port != 0 else { return .free }
    let code = tryToBind(address)
    switch code {
    case 0: return .free
    case EADDRINUSE: break
    default: return .impossible(code < 0 ? "the name cannot be resolved" : String(cString: strerror(code)))
    }
    let sockets = listeningSockets(port: address.port)
    guard !sockets.isEmpty else { return .somebody }
    let holders = processes(holding: sockets)
    // The one that was handed a socket is asked for before the one that opened it.
    if let server = holders.first(where: { $0.name.hasPrefix("rouse-server") }) ?? holders.first {
      return .process(server)
    }
    return .somebody
  }

  /// 0, or why not: an `errno`; -1 for a name that is none.
  private static func tryToBind(_ address: Address) -> CInt {
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address.host, "\(address.port)", &hints, &found) == 0, let first = found else { return -1 }
    defer { freeaddrinfo(first) }
    let descriptor = socket(
      first.pointee.ai_family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    var yes: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
    return bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 ? 0 : errno
  }

  /// The inodes of the sockets that listen on a port.
  private static func listeningSockets(port: Int) -> Set<String> {
    let ending = ":" + String(format: "%04X", port)
    var inodes: Set<String> = []
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
      for line in (KernelFile.text(file) ?? "").split(separator: "\n").dropFirst() {
        let words = line.split(separator: " ")
        // 0A: it listens.
        if words.count > 9, words[1].hasSuffix(ending), words[3] == "0A" { inodes.insert("socket:[\(words[9])]") }
      }
    }
    return inodes
  }

  private static func processes(holding sockets: Set<String>) -> [ProcessName] {
    let files = FileManager.default
    return ((try? files.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap(Int32.init).sorted().filter { number in
      ((try? files.contentsOfDirectory(atPath: "/proc/\(number)/fd")) ?? []).contains { descriptor in
        (try? files.destinationOfSymbolicLink(atPath: "/proc/\(number)/fd/\(descriptor)")).map(sockets.contains)
          ?? false
      }
    }.map(ProcessName.init)
  }
}
