import Foundation
import Testing

@testable import RouseServer

struct FileReplacementTests {
  /// Whoever may write a device's folder must not lose the device to a policy.
  @Test func whatIsNoFileStays() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let pipe = folder.appending(path: "pipe").path
    try #require(mkfifo(pipe, 0o600) == 0)
    let link = folder.appending(path: "link").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: pipe)
    for path in [pipe, link, folder.path] {
      #expect(throws: FileReplacement.Failed.self) { _ = try FileReplacement(path, Array("text".utf8)) }
    }
    var status = stat()
    #expect(stat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["link", "pipe"])
  }

  @Test func aLinkStaysAndTheFileBehindItIsReplaced() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "file")
    try Data("old".utf8).write(to: file)
    let link = folder.appending(path: "link").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file.path)
    try FileReplacement(link, Array("new".utf8)).commit()
    #expect(try String(contentsOf: file, encoding: .utf8) == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == file.path)
  }
}
