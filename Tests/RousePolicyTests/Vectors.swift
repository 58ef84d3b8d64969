import RouseCore
import RousePolicy

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The vectors beside this file.
enum Vectors {
  static func bytes(_ name: String, from file: String = #filePath) -> [UInt8] {
    let path = String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]) + "/Vectors/" + name
    guard let stream = fopen(path, "rb") else { return [] }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, stream), count > 0 { bytes += chunk[..<count] }
    return bytes
  }

  static func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }

  static func lines(_ name: String) -> [String] { text(name).split(separator: "\n").map(String.init) }

  static func names(in folder: String, from file: String = #filePath) -> [String] {
    let path = String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]) + "/Vectors/" + folder
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append("\(folder)/\(name)") }
    }
    return names.sorted()
  }

  static func columns(_ line: String) -> [String] {
    line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
  }
}

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
  var text = Vectors.text("bad-policies/base.yaml")
  for (old, new) in replacements {
    guard let range = text.firstRange(of: old) else { return "\(old) is not in the policy" }
    text.replaceSubrange(range, with: new)
  }
  return text
}
