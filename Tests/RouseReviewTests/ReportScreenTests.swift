import Foundation
import RouseWire
import TestData
import Testing

@testable import RouseReview

enum Chromium {
  /// And the Python that `tools/screenshots` is written in.
  static let isThere: Bool = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    func has(_ names: [String]) -> Bool {
      folders.contains { folder in names.contains { FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)") } }
    }
    return has(["chromium", "chromium-browser", "google-chrome", "chrome"]) && has(["python3"])
  }()
}

/// The pages as Chromium shows them: `tools/screenshots` measures that nothing is cut and nothing overlaps. Without Chromium
/// this is skipped; `tools/screenshots --install` fetches it.
@Suite(.enabled(if: Chromium.isThere, "no Chromium on the PATH; tools/screenshots --install fetches it"))
struct ReportScreenTests {
  private static let root = Vectors.folder.deletingLastPathComponent().deletingLastPathComponent()

  @Test(.timeLimit(.minutes(15))) func nothingIsCutOrOverlaps() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rouse-pages-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var pages: [String] = []
    for kind in ReportTests.Kind.allCases {
      for (name, answer) in [("plain", try kind.answer()), ("hostile", hostile(try kind.answer())), ("empty", .null)] {
        let page = folder.appending(path: "\(kind.rawValue)-\(name).html")
        try Data(kind.page(answer).utf8).write(to: page)
        pages.append(page.path)
      }
    }
    let (code, told) = try look(pages)
    #expect(code == 0, "\(told)")
  }

  /// The measure can fail.
  @Test(.timeLimit(.minutes(15))) func aFaultIsSeen() throws {
    let page = FileManager.default.temporaryDirectory.appending(path: "rouse-fault-\(getpid()).html")
    defer { try? FileManager.default.removeItem(at: page) }
    let good = try ReportTests.Kind.compare.page(ReportTests.Kind.compare.answer())
    let bad = good.replacing(
      "<main>",
      with:
        "<main><figure><svg viewBox=\"0 0 50 20\" width=\"50\" height=\"20\"><text x=\"0\" y=\"15\">wide words here</text></svg></figure>"
    )
    try Data(bad.utf8).write(to: page)
    let (code, told) = try look([page.path])
    #expect(code == 1)
    #expect(told.contains("leaves its drawing: wide words here"))
  }

  private func look(_ pages: [String]) throws -> (Int32, String) {
    let process = Process()
    process.executableURL = Self.root.appending(path: "tools/screenshots")
    process.arguments = pages
    let pipe = Pipe()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = pipe
    try process.run()
    let told = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, String(told.prefix(4000)))
  }

  /// Every text another of the worst, in turn.
  private func hostile(_ value: JSONValue) -> JSONValue {
    var at = 0
    func change(_ value: JSONValue) -> JSONValue {
      switch value {
      case .object(let members): return .object(members.map { .init(name: $0.name, value: change($0.value)) })
      case .list(let items): return .list(items.map(change))
      case .text:
        at += 1
        return .text(ReportTests.hostile[at % ReportTests.hostile.count])
      default: return value
      }
    }
    return change(value)
  }
}
