import Foundation
import Glibc
import Logging
import RouseTLS

/// What the operator's files say, read, checked and made ready. It is swapped as a whole; connections keep the TLS and the
/// limits they began with, and ask for who may do what anew.
final class Setup: Sendable {
  let configuration: Configuration
  let tls: TLSServerContext
  let access: Access
  /// The files' contents this was made of: what has changed since is what has to be read again.
  let files: Files

  struct Files: Sendable, Equatable {
    var configuration: [UInt8]
    /// Certificate, key, authorities, revocations, and tokens, in this order.
    var secrets: [[UInt8]?]

    /// - Parameter text: of `server.yaml`.
    init(_ text: [UInt8], _ configuration: Configuration) {
      self.configuration = text
      secrets = configuration.watchedFiles.map { try? readFile($0, what: "", remedy: "") }
      if configuration.tokensFile == nil { secrets.append(nil) }
    }
  }

  /// - Parameter former: what this replaces.
  init(_ configuration: Configuration, files: Files, former: Setup?) throws(ConfigurationError) {
    self.configuration = configuration
    self.files = files
    if let former, former.configuration.tls == configuration.tls,
      former.files.secrets.dropLast() == files.secrets.dropLast()
    {
      tls = former.tls
    } else {
      do throws(TLSError) {
        tls = try TLSServerContext(configuration.tls)
      } catch {
        throw ConfigurationError("\(error)")
      }
    }
    access = Access(configuration, former: former?.access)
  }
}

extension Configuration {
  /// Certificate, key, authorities, revocations, and tokens.
  var watchedFiles: [String] { tls.files + (tokensFile.map { [$0] } ?? []) }

  /// Those that a running server cannot change.
  func fixedKeys(changedFrom former: Configuration) -> [String] {
    var keys: [String] = []
    if listen != former.listen { keys.append("listen") }
    if auditFile != former.auditFile { keys.append("audit") }
    if ledger != former.ledger { keys.append("ledger") }
    if metrics != former.metrics { keys.append("metrics") }
    if logFormat != former.logFormat { keys.append("log_format") }
    return keys
  }

  /// With no more connections than the system lets it open: each is a file descriptor.
  func fitted(_ logger: Logger) -> Configuration {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0 else { return self }
    if limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      setrlimit(resource, &limit)
      getrlimit(resource, &limit)
    }
    let most = Int(clamping: limit.rlim_cur) - Self.openFiles(connections: 0)
    guard most < limits.connections else { return self }
    var fitted = self
    fitted.limits.connections = max(1, most)
    logger.warning(
      "the system allows too few open files for limits.connections: raise it (ulimit -n)",
      metadata: ["connections": "\(fitted.limits.connections)", "open_files": "\(limit.rlim_cur)"])
    return fitted
  }
  /// What it takes to serve so many, with connections that are being refused, and the server's own files.
  static func openFiles(connections: Int) -> Int { connections + Listener.mostRefused + 64 }
}
