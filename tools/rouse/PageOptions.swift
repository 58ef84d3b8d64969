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
  func file() throws -> NewFile? { try html.map { try NewFile($0) } }
}

extension NewFile {
  /// A page, whole.
  func commit(page: String) throws {
    try Array(page.utf8).withUnsafeBytes { try write($0) }
    try commit()
  }
}
