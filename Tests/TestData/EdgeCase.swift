import Foundation

/// A small case of one rule: `edges/<name>`.
package struct EdgeCase: Sendable, CustomStringConvertible {
  package let name: String
  /// Relative to the vectors.
  package let policy: String
  package let asOf: String
  /// `score`, or `rank` of which the rows are all candidates.
  package let op: String
  /// Overrides of the policy, as `PATH=VALUE`.
  package let overrides: [String]
  package let what: String

  /// In the order of their names; empty when there are none.
  package static let all: [EdgeCase] = {
    let names = try? FileManager.default.contentsOfDirectory(atPath: Vectors.folder.appending(path: "edges").path)
    return (names ?? []).sorted().compactMap { try? EdgeCase($0) }
  }()

  package init(_ name: String) throws {
    struct File: Decodable {
      let asOf: String
      let op: String
      let set: [String]
      let what: String

      enum CodingKeys: String, CodingKey {
        case asOf = "as_of"
        case op, set, what
      }
    }
    let file = try JSONDecoder().decode(File.self, from: Data(Vectors.bytes("edges/\(name)/case.json")))
    let json = "edges/\(name)/policy.json"
    let isJSON = FileManager.default.fileExists(atPath: Vectors.folder.appending(path: json).path)
    self.name = name
    policy = isJSON ? json : "edges/\(name)/policy.yaml"
    (asOf, op, overrides, what) = (file.asOf, file.op, file.set, file.what)
  }

  package var candidates: [UInt8] { get throws { try Vectors.bytes("edges/\(name)/candidates.ndjson") } }
  package var expected: String { get throws { try Vectors.text("edges/\(name)/expected.ndjson") } }
  package var description: String { "\(name): \(what)" }
}
