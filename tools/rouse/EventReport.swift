import RouseClient
import RouseWire

/// What became of the events that were sent: those that do not count, each with its place, and the totals.
final class EventReport {
  static let order = [
    "invalid", "unknown_kind", "unknown_channel", "future", "too_old", "conflict", "gone",
  ]
  static let meanings = [
    "invalid": "it is no event",
    "unknown_kind": "neither a kind of event nor a step of the policy",
    "unknown_channel": "the policy has no such channel",
    "future": "it lies ahead of the server's clock",
    "too_old": "it is older than events of its kind are kept",
    "conflict": "its key was used for another event",
    "gone": "the user has been erased",
  ]
  /// Refused events that are shown; a file of the wrong kind must not bury its first line.
  private static let mostShown = 100

  private let places: LinePlaces
  private let json: Bool
  private let output = StandardOutput()
  private var answered = 0
  private var accepted = 0
  private(set) var refused = 0

  init(_ places: LinePlaces, json: Bool) {
    self.places = places
    self.json = json
  }

  func rows(_ bytes: UnsafeRawBufferPointer) throws {
    var text = ""
    for line in bytes.split(separator: 0x0A) {
      answered += 1
      guard let row = JSONValue(line) else { continue }
      let result = row["result"]?.text ?? ""
      if result == "recorded" || result == "replayed" {
        accepted += 1
        continue
      }
      refused += 1
      if refused <= Self.mostShown { text += shown(row, result) }
    }
    if json {
      try output.write(bytes)
    } else if !text.isEmpty {
      try output.write(text)
    }
  }

  private func shown(_ row: JSONValue, _ result: String) -> String {
    var line = harmless("\(places.place(of: answered)): \(result)")
    if let key = row["key"]?.text { line += ", key '\(harmless(key))'" }
    if let at = row["at"]?.text, !at.isEmpty { line += ", at \(harmless(at))" }
    return line + ": " + (row["message"]?.text.map(harmless) ?? Self.meanings[result] ?? "it does not count") + "\n"
  }

  func finish(_ reply: RouseClient.Reply) throws {
    if json { return try output.write(line: reply.line) }
    var text = ""
    if refused > Self.mostShown {
      text += "and \(Subject.event.count(refused - Self.mostShown)) more; --json shows all\n"
    }
    if refused > 0 { text += "\n" }
    var lines = [("Recorded", Subject.event.count(reply.value["recorded"]?.whole ?? 0))]
    if let replayed = reply.value["replayed"]?.whole, replayed > 0 {
      lines.append(("Replayed", "\(grouped(replayed)), recorded before; they count once"))
    }
    text += titled(lines)
    let counted = reply.value["refused"]
    text += counts("Refused", Self.order.map { ($0, counted?[$0]?.whole ?? 0) }, meanings: Self.meanings)
    try output.write(text)
  }

  /// What broke the work off, and what holds all the same.
  func failure(_ error: any Error) -> any Error {
    guard accepted > 0, let failure = Failure(error), failure.code != .done else { return error }
    return Failure(
      failure.code,
      failure.message
        + "\nrouse: recorded before that: \(Subject.event.count(accepted)); send all of them again, and they "
        + "count once")
  }
}
