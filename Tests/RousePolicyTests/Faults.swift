import RousePolicy
import TestData

/// What is wrong with a policy, as `kind path line:column`, in order.
func faults(_ bytes: [UInt8], _ format: Document.Format = .yaml, _ overrides: [Override] = []) -> [String] {
  do throws(PolicyDiagnostics) {
    _ = try PolicyReader.read(bytes, format: format, overrides: overrides)
    return []
  } catch {
    return error.all.map(short)
  }
}

func faults(_ text: String, _ format: Document.Format = .yaml, set: [String] = []) throws -> [String] {
  faults(Array(text.utf8), format, try set.map { try Override(parsing: $0) })
}

func short(_ diagnostic: Diagnostic) -> String {
  var parts = [diagnostic.kind.rawValue]
  if !diagnostic.path.isEmpty { parts.append(diagnostic.path) }
  if let line = diagnostic.line, let column = diagnostic.column { parts.append("\(line):\(column)") }
  return parts.joined(separator: " ")
}

/// The small policy with one text in place of another, which must be there.
func small(_ replacements: (String, String)...) -> String {
  var text = (try? Vectors.text("bad-policies/base.yaml")) ?? ""
  for (old, new) in replacements {
    guard let range = text.firstRange(of: old) else { return "\(old) is not in the policy" }
    text.replaceSubrange(range, with: new)
  }
  return text
}
