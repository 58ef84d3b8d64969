import Foundation
import RouseCore
import RousePolicy

/// The file of the tokens, which `rouse-server token` writes: a map of names to their roles and SHA-256. A file that is
/// not there has none.
package struct TokenFile: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  /// - Parameter identities: names that stand for certificates already, and that no token may have.
  package func read(besides identities: [String] = []) throws(ConfigurationError) -> Tokens {
    guard FileManager.default.fileExists(atPath: path) else { return Tokens() }
    let bytes = try readFile(path, what: "the file of the tokens", remedy: "rouse-server token add makes it")
    do throws(PolicyDiagnostics) {
      let report = Report()
      let document = try Document.parse(yaml: bytes)
      let tokens = TokenReader(identities: identities).read(document, report)
      try report.finish()
      return tokens
    } catch {
      throw ConfigurationError(error, file: path)
    }
  }

  /// What a token may be called: it stands in logs and on command lines.
  static func isName(_ text: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    guard let first = text.utf8.first, isPlain(first), text.utf8.count <= 64 else { return false }
    return text.utf8.allSatisfy { isPlain($0) || [0x2D, 0x2E, 0x40, 0x5F].contains($0) }
  }

  static let nameRule = "a token's name is 1 to 64 letters, digits, and . _ @ - after the first"
}

private struct TokenReader {
  let identities: [String]

  func read(_ document: Document, _ report: Report) -> Tokens {
    var tokens = Tokens()
    for member in document.members(report: report) ?? [] {
      guard let token = read(member) else { continue }
      if let twin = tokens.all.first(where: { $0.sha256 == token.sha256 }) {
        member.refuseKey(.value, "this is the token of '\(twin.name)' once more; remove one of them")
      }
      tokens.add(token)
    }
    return tokens
  }

  private func read(_ member: Setting) -> Token? {
    if !TokenFile.isName(member.key) {
      member.refuseKey(.value, TokenFile.nameRule)
    } else if identities.contains(where: { $0.utf8.elementsEqual(member.key.utf8) }) {
      member.refuseKey(
        .value, "\(member.key) is one of identities in the configuration already; name the token otherwise")
    }
    guard let settings = member.settings(needed: ["sha256", "roles", "added"]) else { return nil }
    let digest = settings.text("sha256").flatMap(Self.bytes)
    if digest == nil, settings.text("sha256") != nil {
      settings["sha256"]?.refuse(
        .value, "sha256 is 64 hexadecimal digits in lower case, as rouse-server token add writes it")
    }
    let roles = Configuration.roles(settings["roles"])
    let added = settings.text("added")
    if let added, Moment.parse(added) == nil || !added.hasSuffix("Z") {
      settings["added"]?.refuse(.value, "added is a time in UTC, such as 2026-03-01T02:00:00Z")
    }
    guard let digest, let added else { return nil }
    return Token(name: member.key, roles: roles, added: added, sha256: digest)
  }

  private static func bytes(_ hexadecimal: String) -> [UInt8]? {
    let digits = hexadecimal.utf8.map { digit -> UInt8? in
      switch digit {
      case 0x30...0x39: digit - 0x30
      case 0x61...0x66: digit - 0x61 + 10
      default: nil
      }
    }
    guard digits.count == 64, !digits.contains(nil) else { return nil }
    return (0..<32).map { (digits[$0 * 2] ?? 0) << 4 | (digits[$0 * 2 + 1] ?? 0) }
  }
}

extension Configuration {
  /// A list of roles, at least one.
  static func roles(_ setting: Setting?) -> Set<Role> {
    var roles: Set<Role> = []
    for role in setting?.items(atLeastOne: true) ?? [] {
      if let role = role.choice(of: Role.self) { roles.insert(role) }
    }
    return roles
  }
}
