import Foundation
import Glibc
import Testing

@testable import RouseServer

/// Changes are seen with the system's watches, and without.
@Suite(.serialized, .ownThreads) struct FileWatchTests {
  /// Counts what a watch tells.
  private actor Count {
    private(set) var changes = 0
    func note() { changes += 1 }
  }

  private static func follow(_ watch: FileWatch) -> Count {
    let count = Count()
    Task { for await _ in watch.changes { await count.note() } }
    return count
  }

  private static func sees(_ watch: FileWatch, in folder: URL) async throws {
    let file = folder.appending(path: "a").path
    let count = follow(watch)
    try Data("1".utf8).write(to: URL(filePath: file))
    watch.watch([file])
    // What was written before it is watched counts too.
    #expect(try await comesTrue { await count.changes > 0 })
    let changes: [() throws -> Void] = [
      { try Data("2".utf8).write(to: URL(filePath: file)) },
      { try Data("3".utf8).write(to: URL(filePath: file), options: .atomic) },
      { try FileManager.default.removeItem(atPath: file) },
      { try Data("3".utf8).write(to: URL(filePath: file), options: .atomic) },
    ]
    for (number, change) in changes.enumerated() {
      // Until it has told all of what came before.
      var before = -1
      while await count.changes != before {
        before = await count.changes
        try await Task.sleep(for: .seconds(3))
      }
      try change()
      #expect(try await comesTrue { await count.changes > before }, "change \(number)")
    }
    watch.close()
  }

  @Test func withTheSystemsWatches() async throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try await Self.sees(try #require(FileWatch()), in: folder)
  }

  /// All that this user may have are taken, as by other containers.
  @Test func withoutThem() async throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    var taken: [CInt] = []
    while taken.count < 400 {
      let descriptor = inotify_init1(CInt(IN_CLOEXEC))
      guard descriptor >= 0 else { break }
      taken.append(descriptor)
    }
    let watch = FileWatch()
    for descriptor in taken { close(descriptor) }
    // A system that gives a user more has to be tried by hand.
    guard taken.count < 400 else { return }
    try await Self.sees(try #require(watch), in: folder)
  }
}
