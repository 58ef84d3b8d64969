import ArgumentParser
import Foundation
import RouseClient

/// An answer as a page for those who decide, beside what is told of it otherwise.
struct PageOptions: ParsableArguments {
  static let help = """
    --html writes a page with plots, tables and an explanation of every word: one file that needs nothing else, for a \
    phone, a screen or paper. It is there whole or not at all; what the answer comes to is told as ever.
    """

  @Option(help: ArgumentHelp("Write the answer as a page to this file.", valueName: "file"), completion: .file())
  var html: String?

  func validate() throws {
    if html?.isEmpty == true { throw ValidationError("--html is the name of a file, such as review.html") }
    if html == "-" { throw ValidationError("--html writes a file; give its name, such as review.html") }
  }

  /// Opened before the work, so that nobody waits for a page that cannot be written.
  ///
  /// - Returns: nil where none is asked for.
  func file() throws -> NewFile? {
    guard let html else { return nil }
    try Self.spareOthers(html)
    return try NewFile(html)
  }

  /// A page takes the place of an older page, and of nothing else: a slip in the name would cost a policy or a file of
  /// candidates.
  private static func spareOthers(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return }
    let start = "<!doctype html"
    let input = FileHandle(forReadingAtPath: path)
    let bytes = try? input?.read(upToCount: start.utf8.count)
    if bytes.map({ String(decoding: $0, as: UTF8.self).lowercased() }) != start {
      throw Failure(.usage, "\(path) is there, and it is no page: give --html another name, or remove it first")
    }
  }
}

extension NewFile {
  /// A page, whole.
  func commit(page: String) throws {
    try Array(page.utf8).withUnsafeBytes { try write($0) }
    try commit()
  }
}
