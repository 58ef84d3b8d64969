import Glibc

/// Who or what brought a change about.
package enum AuditActor: Sendable, Equatable, CustomStringConvertible {
  /// A peer, by its name in the configuration or among the tokens.
  case identity(String)
  /// SIGHUP.
  case signal
  /// A file that changed.
  case file
  /// Someone at this machine's command line.
  case user(String)

  /// The user that this process runs as; its number where it has no name.
  package static var currentUser: AuditActor {
    let number = getuid()
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var texts = [CChar](repeating: 0, count: 1 << 14)
    guard getpwuid_r(number, &entry, &texts, texts.count, &found) == 0, found != nil, let name = entry.pw_name else {
      return .user("\(number)")
    }
    return .user(String(cString: name))
  }

  /// The kind stands before a name, so nobody is called SIGHUP.
  package var description: String {
    switch self {
    case .identity(let name): "identity:\(name)"
    case .signal: "SIGHUP"
    case .file: "file"
    case .user(let name): "user:\(name)"
    }
  }
}
