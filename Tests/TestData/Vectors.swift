import Foundation

/// The vectors that the specification and the tests share.
package enum Vectors {
  package static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "proto-spec/vectors")

  package static func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: path)))
  }

  package static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

  /// The rows of a table, after so many lines of heading. Empty when there is no such file: whoever runs a test for each
  /// row must also expect their number.
  package static func rows(_ path: String, skipping: Int) -> [[String]] {
    let lines = ((try? text(path)) ?? "").split(separator: "\n").dropFirst(skipping)
    return lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
  }

  /// The moment that `examples` and `golden` are decided for.
  package static let asOf = "2026-03-01T02:00:00Z"

  /// What `score` says of the examples when it is asked for `valid_until`: rows, and the summary.
  package static func examplesValidUntil() throws -> [String] {
    let moments = rows("valid-until/cases.tsv", skipping: 2).filter { $0.first == "example" }.map { $0[3] }
    let lines = try text("examples/expected.score.ndjson").split(separator: "\n").map(String.init)
    return zip(lines, moments).map { row, moment in
      row.dropLast() + ",\"valid_until\":" + (moment == "null" ? moment : "\"\(moment)\"") + "}"
    } + lines.suffix(1)
  }

  /// The overrides of each golden rank, by its name.
  package static let goldenSettings: [String: [String]] = {
    struct File: Decodable { let settings: [String: [String]] }
    return (try? JSONDecoder().decode(File.self, from: Data(bytes("golden/settings.json"))))?.settings ?? [:]
  }()
}
