import Foundation
import RouseCore
import RousePolicy

extension TokenFile {
  /// Makes a token and adds it; what it returns is shown once, and can never be had again.
  /// - Parameter now: seconds since 1970.
  package func add(
    _ name: String, roles: Set<Configuration.Role>, besides identities: [String], now: Int64
  ) throws(ConfigurationError) -> String {
    guard Self.isName(name) else { throw ConfigurationError("\(name.shown): \(Self.nameRule)") }
    if identities.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
      throw ConfigurationError("'\(name)' is one of identities in the configuration already; choose another name")
    }
    let text = Token.makeText()
    try change(besides: identities) { (tokens) throws(ConfigurationError) in
      guard tokens[name] == nil else {
        throw ConfigurationError(
          "there is a token '\(name)' already; choose another name, or remove it first: rouse-server token remove \(name)"
        )
      }
      guard let token = Token(name: name, roles: roles, added: Moment.format(now), sha256: sha256(Array(text.utf8)))
      else {
        throw ConfigurationError("the token cannot be made")
      }
      tokens.add(token)
    }
    return text
  }

  package func remove(_ name: String, besides identities: [String]) throws(ConfigurationError) {
    try change(besides: identities) { (tokens) throws(ConfigurationError) in
      guard tokens[name] != nil else {
        throw ConfigurationError(
          "there is no token \(name.shown)" + Suggestion.sentence(for: name, among: tokens.all.map(\.name)))
      }
      tokens.remove(name)
    }
  }

  /// Seconds that another process may take to change the file.
  private static let patience = 10

  /// Reads the file, changes the tokens and writes them in one step. Whoever else does so meanwhile waits: nothing is lost.
  private func change(
    besides identities: [String], _ body: (inout Tokens) throws(ConfigurationError) -> Void
  ) throws(ConfigurationError) {
    // A link is followed to what it names: renaming over it would leave the other place as it was.
    let file = TokenFile(path: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    let folder = (file.path as NSString).deletingLastPathComponent
    let lock = try Self.lock(folder)
    defer { close(lock) }
    var tokens = try file.read(besides: identities)
    try body(&tokens)
    try file.write(tokens, folder: lock)
  }

  /// The folder is what is locked: the file is another after each change, and a file for the lock alone would stay behind.
  private static func lock(_ folder: String) throws(ConfigurationError) -> Int32 {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ConfigurationError("\(folder): cannot be opened: \(String(cString: strerror(errno)))")
    }
    var fault = EWOULDBLOCK
    for _ in 0..<(patience * 50) {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
      fault = errno
      guard fault == EWOULDBLOCK || fault == EINTR else { break }
      usleep(20_000)
    }
    let reason = fault == EWOULDBLOCK ? "another process is changing the tokens" : String(cString: strerror(fault))
    close(descriptor)
    throw ConfigurationError("\(folder): cannot be locked: \(reason); try again")
  }

  /// Beside the file, and then in its place: whoever reads meanwhile reads the old one or the new one, whole.
  private func write(_ tokens: Tokens, folder: Int32) throws(ConfigurationError) {
    var old = stat()
    let isThere = stat(path, &old) == 0
    let temporary = "\(path).\(getpid()).new"
    unlink(temporary)
    // A mode that the owner has made narrower or given to a group stays; others never read it.
    let mode = isThere ? old.st_mode & 0o640 | 0o600 : 0o600
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unwritable(temporary) }
    defer { close(descriptor) }
    do throws(ConfigurationError) {
      // What root writes must still be readable for the server's own user.
      if !isThere { fstat(folder, &old) }
      if geteuid() == 0 { guard fchown(descriptor, old.st_uid, old.st_gid) == 0 else { throw unwritable(temporary) } }
      guard fchmod(descriptor, mode) == 0 else { throw unwritable(temporary) }
      guard writeAll(Array(tokens.text.utf8), to: descriptor) else { throw unwritable(temporary) }
      guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw unwritable(path) }
    } catch {
      unlink(temporary)
      throw error
    }
    fsync(folder)
  }

  private func unwritable(_ name: String) -> ConfigurationError {
    ConfigurationError("\(name): cannot be written: \(String(cString: strerror(errno)))")
  }
}

extension Tokens {
  /// As the file has them. Names need no quotes: a key is a text, whatever it looks like.
  var text: String {
    var text = """
      # Who may ask with a token. Written by: rouse-server token add NAME --roles …, list, remove NAME
      # What stands here is the SHA-256 of each token: the token itself cannot be had from it.

      """
    for token in all {
      let digest = token.sha256.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      text += "\(token.name): {sha256: \"\(digest)\", roles: [\(token.roleNames.joined(separator: ", "))], "
      text += "added: \"\(token.added)\"}\n"
    }
    return all.isEmpty ? text + "{}\n" : text
  }
}

extension Token {
  /// In the order in which roles are told everywhere.
  package var roleNames: [String] { Configuration.Role.allCases.filter(roles.contains).map(\.rawValue) }
}

extension Configuration.Role {
  /// Roles as a command line names them: `score,record`.
  package static func read(list: String) throws(ConfigurationError) -> [Configuration.Role] {
    let known = allCases.map(\.rawValue)
    var roles: [Configuration.Role] = []
    for part in list.split(separator: ",") {
      let word = part.trimmingCharacters(in: .whitespaces)
      guard let role = Configuration.Role(rawValue: word) else {
        throw ConfigurationError(
          "--roles: there is no role \(word.shown); roles are \(known.joined(separator: ", "))"
            + Suggestion.sentence(for: word, among: known))
      }
      if !roles.contains(role) { roles.append(role) }
    }
    guard !roles.isEmpty else {
      throw ConfigurationError("--roles: give at least one of \(known.joined(separator: ", "))")
    }
    return roles
  }
}
