import RousePolicy
import RouseReview

/// The values of a policy that are in force, and where each stands.
struct PolicyEffective {
  let values: EffectiveValues

  /// - Parameters:
  ///   - file: as messages name it.
  ///   - set: `PATH=JSON`, applied before the policy is read.
  init(_ bytes: [UInt8], format: Document.Format, file: String, set: [String]) throws {
    do throws(PolicyDiagnostics) {
      var document = try Document.parse(bytes, format: format)
      for text in set { try document.set(try Override(parsing: text)) }
      values = EffectiveValues(try PolicyReader.read(document), document)
    } catch {
      throw Failure(
        .usage, "the policy cannot be used\n" + error.all.map { $0.line(file: file) }.joined(separator: "\n"))
    }
  }

  func write(asJSON: Bool) throws { try StandardOutput().write(asJSON ? values.json : values.text) }
}
