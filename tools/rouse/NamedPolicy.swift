import Foundation
import RouseClient
import RousePolicy
import RouseReview
import RouseWire

/// A policy that a command names: a file, `live`, or a version of the server's.
struct NamedPolicy: Sendable {
  /// As messages name it.
  let name: String
  let text: [UInt8]
  let format: Document.Format

  /// Whether a server has to be asked for it.
  static func isOfServer(_ name: String) -> Bool {
    if name == "live" { return true }
    return name.contains("@") && !FileManager.default.fileExists(atPath: name)
  }

  /// - Parameter connection: needed for what is a server's.
  init(_ name: String, connection: Connection?) async throws {
    guard let connection, Self.isOfServer(name) else {
      text = try FileInput.contents(of: name)
      format = Document.Format(fileName: name)
      self.name = name
      return
    }
    var line = RequestLine("policy")
    line.set("do", text: "show")
    if name != "live" { line.set("policy", text: name) }
    let reply = try await connection.request(line.line).value
    guard let text = reply["text"]?.text, let version = reply["policy"]?.text else {
      throw ClientError.garbled("the server's answer has no 'text'; is it a newer version?")
    }
    self.text = Array(text.utf8)
    format = reply["format"]?.text == "json" ? .json : .yaml
    self.name = version
  }
}

/// What one policy changes of another.
struct PolicyDifference {
  let old: NamedPolicy
  let new: NamedPolicy
  /// nil where one of them is no document.
  let changes: [PolicyChanges.Change]?

  init(old: NamedPolicy, new: NamedPolicy) {
    self.old = old
    self.new = new
    if let before = try? Document.parse(old.text, format: old.format),
      let after = try? Document.parse(new.text, format: new.format)
    {
      changes = PolicyChanges(old: before, new: after).all
    } else {
      changes = nil
    }
  }

  var isSame: Bool { old.text == new.text }

  var unified: String {
    let lines = LineDiff.unified(
      old: old.text, new: new.text, oldName: harmless(old.name), newName: harmless(new.name))
    return lines.split(separator: "\n", omittingEmptySubsequences: false).map { harmless(String($0)) }
      .joined(separator: "\n")
  }

  /// A line for each changed value.
  /// - Parameter most: beyond it, how many more there are.
  func summary(most: Int = .max) -> String {
    guard let changes else { return "one of the two is no document that could be compared by its values\n" }
    guard !changes.isEmpty else {
      return isSame ? "no difference\n" : "only comments and layout differ\n"
    }
    let shown = changes.prefix(most).map(Self.line)
    let more = changes.count - shown.count
    return (shown + (more > 0 ? ["… and \(grouped(more)) more: rouse policy diff shows all"] : []))
      .joined(separator: "\n") + "\n"
  }

  private static func line(_ change: PolicyChanges.Change) -> String {
    let (path, old, new) = (harmless(change.path), harmless(change.old ?? ""), harmless(change.new ?? ""))
    return switch change.kind {
    case .changed: "  \(path): \(old) → \(new)"
    case .added: "  \(path): added \(new)"
    case .removed: "  \(path): removed \(old)"
    case .reordered: "  \(path): order \(old) → \(new)"
    }
  }

  /// One JSON object.
  var json: String {
    let items = (changes ?? []).map { change in
      "{\"kind\":\(JSONText.quoted(change.kind.rawValue)),\"path\":\(JSONText.quoted(change.path)),\"old\":"
        + (change.old.map(JSONText.quoted) ?? "null") + ",\"new\":" + (change.new.map(JSONText.quoted) ?? "null") + "}"
    }
    let lines = LineDiff.unified(old: old.text, new: new.text, oldName: old.name, newName: new.name)
    return "{\"new\":\(JSONText.quoted(new.name)),\"old\":\(JSONText.quoted(old.name)),\"same\":\(isSame),"
      + "\"changes\":\(changes == nil ? "null" : "[" + items.joined(separator: ",") + "]"),"
      + "\"text\":\(JSONText.quoted(lines))}\n"
  }
}
