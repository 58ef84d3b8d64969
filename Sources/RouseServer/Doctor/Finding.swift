import RouseWire

/// What the doctor found about one thing.
package struct Finding: Sendable, Equatable {
  package enum State: String, Sendable {
    case ok
    case problem
    /// It could not be looked at, or does not apply.
    case skipped
  }

  /// What was looked at, a word or two: `certificate`.
  package let subject: String
  package let state: State
  /// What was found.
  package let text: String
  /// What to do; empty unless it is a problem.
  package let remedy: String

  static func ok(_ subject: String, _ text: String) -> Finding { .init(subject: subject, state: .ok, text: text) }
  static func skipped(_ subject: String, _ text: String) -> Finding {
    .init(subject: subject, state: .skipped, text: text)
  }
  static func problem(_ subject: String, _ text: String, _ remedy: String) -> Finding {
    .init(subject: subject, state: .problem, text: text, remedy: remedy)
  }

  private init(subject: String, state: State, text: String, remedy: String = "") {
    self.subject = subject
    self.state = state
    self.text = text
    self.remedy = remedy
  }

  /// Lines of this program's errors end with the remedy, behind the last semicolon.
  static func problem(_ subject: String, line: String) -> Finding {
    guard let cut = line.range(of: "; ", options: .backwards) else { return problem(subject, line, "") }
    return problem(subject, String(line[..<cut.lowerBound]), String(line[cut.upperBound...]))
  }

  /// For a terminal: what was found, and below it what to do.
  package var lines: [String] {
    let mark =
      switch state {
      case .ok: "✓"
      case .problem: "!"
      case .skipped: "-"
      }
    return ["\(mark) \(subject): \(text)"] + (remedy.isEmpty ? [] : ["    \(remedy)"])
  }

  /// A JSON object.
  package var json: String {
    let members = [("subject", subject), ("state", state.rawValue), ("text", text)]
    let texts = members.map { "\"\($0)\":\(JSONText.quoted($1))" }.joined(separator: ",")
    return "{\(texts),\"remedy\":\(remedy.isEmpty ? "null" : JSONText.quoted(remedy))}"
  }
}
