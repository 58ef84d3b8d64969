import Foundation
import Glibc

/// Who may read and write the files of an installation.
struct FileModes {
  private let secrets: [String]
  /// What decides, or proves: others must not write it.
  private let guarded: [String]
  /// What the server reads.
  private let needed: [String]
  /// The folder of what the server writes: to whom it belongs is whom the server runs as.
  private let state: String?

  /// - Parameter file: the configuration's.
  init(file: String, _ configuration: Configuration) {
    let ledger = configuration.ledger.map { [$0.file, $0.file + "-wal", $0.file + ".lock"] } ?? []
    let tokens = configuration.tokensFile.map { [$0] } ?? []
    let audit = configuration.auditFile.map { [$0] } ?? []
    let folder = (file as NSString).deletingLastPathComponent
    secrets =
      [configuration.tls.privateKeyFile, file, (folder.isEmpty ? "" : folder + "/") + "tls/client.key"] + ledger + audit
    guarded = tokens + configuration.tls.files + [configuration.policyFile]
    needed = [file, configuration.policyFile] + configuration.tls.files + tokens
    state = (configuration.ledger?.file ?? configuration.auditFile).map {
      let folder = ($0 as NSString).deletingLastPathComponent
      return folder.isEmpty ? "." : folder
    }
  }

  func findings() -> [Finding] {
    let bad = secrets.compactMap(secret) + (secrets + guarded).compactMap(writable) + unreadable()
    return bad.isEmpty
      ? [.ok("files", "keys and what is secret are closed to others, and nobody else can change what decides")] : bad
  }

  private func mode(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  private func secret(_ path: String) -> Finding? {
    guard let mode = mode(path), mode & 0o004 != 0 else { return nil }
    return .problem(
      "files", "\(path) can be read by everyone on this machine (mode \(octal(mode)))", "chmod o-rwx \(path)")
  }

  private func writable(_ path: String) -> Finding? {
    guard let mode = mode(path), mode & 0o002 != 0 else { return nil }
    return .problem(
      "files", "\(path) can be changed by everyone on this machine (mode \(octal(mode)))", "chmod o-w \(path)")
  }

  private func octal(_ mode: mode_t) -> String { "0" + String(mode, radix: 8) }

  // MARK: - The server's own user

  /// What the user that the state belongs to may not read. What root has made by hand is often such.
  private func unreadable() -> [Finding] {
    var folder = stat()
    guard let state, stat(state, &folder) == 0, folder.st_uid != 0, geteuid() == 0,
      let user = getpwuid(folder.st_uid)
    else { return [] }
    let name = String(cString: user.pointee.pw_name)
    let groups = Self.groups(user)
    return needed.filter { FileManager.default.fileExists(atPath: $0) }.compactMap { path in
      guard let obstacle = Self.obstacle(path, folder.st_uid, groups) else { return nil }
      return .problem(
        "files", "the server's user \(name), to whom \(state) belongs, may not read \(path)",
        "chgrp \(name) \(obstacle), and let its group read it")
    }
  }

  private static func groups(_ user: UnsafeMutablePointer<passwd>) -> Set<gid_t> {
    var count: CInt = 64
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard getgrouplist(user.pointee.pw_name, user.pointee.pw_gid, &groups, &count) >= 0 else {
      return [user.pointee.pw_gid]
    }
    return Set(groups.prefix(Int(max(0, count))))
  }

  /// The file, or the folder above it, at which a user's way ends; nil: it does not.
  private static func obstacle(_ path: String, _ user: uid_t, _ groups: Set<gid_t>) -> String? {
    let whole = URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
    var above = ""
    for part in whole.split(separator: "/").dropLast() {
      above += "/" + part
      if !may(0o1, above, user, groups) { return above }
    }
    return may(0o4, whole, user, groups) ? nil : path
  }

  private static func may(_ bit: mode_t, _ path: String, _ user: uid_t, _ groups: Set<gid_t>) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return true }
    if status.st_uid == user { return status.st_mode & (bit << 6) != 0 }
    if groups.contains(status.st_gid) { return status.st_mode & (bit << 3) != 0 }
    return status.st_mode & bit != 0
  }
}
