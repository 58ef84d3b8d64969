import Foundation
import RouseClient

/// Where our token comes from: the flag, else the environment, else the profile.
enum TokenSource {
  static func token(flag: String?, profile: String?) throws -> AccessToken? {
    if let flag { return try read(flag) }
    if let text = ProcessInfo.processInfo.environment["ROUSE_TOKEN"], !text.isEmpty {
      guard let token = AccessToken(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
        throw Failure(.usage, "ROUSE_TOKEN is no token; give one as rouse-server token add prints it")
      }
      return token
    }
    return try profile.map(read)
  }

  /// A file that holds a token and nothing else. What it holds is never shown: it may be another secret.
  private static func read(_ path: String) throws -> AccessToken {
    let bytes = try FileInput.contents(of: path, most: 1 << 20)
    guard let text = String(validating: bytes, as: UTF8.self),
      let token = AccessToken(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else { throw Failure(.usage, "\(path) holds no token; give a file with what rouse-server token add prints") }
    warn(path)
    return token
  }

  private static func warn(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o007 != 0 else { return }
    StandardError.write("rouse: warning: others can read the token in \(path); take that from them: chmod o= \(path)\n")
  }
}
