import ArgumentParser
import RouseClient
import RouseCore

/// What part of the past is looked at.
struct PastOptions: ParsableArguments {
  @Option(help: ArgumentHelp("So many weeks back from the end; by default, 4.", valueName: "count"))
  var weeks: Int?

  @Option(
    help: ArgumentHelp(
      "From then on, in place of --weeks: 2026-03-01 (midnight in UTC), or 2026-03-01T10:00:00+08:00.",
      valueName: "time"
    ))
  var since: String?

  @Option(help: ArgumentHelp("Until then, that moment not included; by default, now.", valueName: "time"))
  var until: String?

  @Option(
    help: ArgumentHelp(
      "As it was known then: what was reported later does not count. By default, now.", valueName: "time"))
  var asOf: String?

  func validate() throws {
    if let weeks, !(1...260).contains(weeks) { throw ValidationError("--weeks is a number from 1 to 260") }
    if weeks != nil, since != nil { throw ValidationError("give --since or --weeks, but not both") }
    for (name, value) in [("--since", since), ("--until", until), ("--as-of", asOf)] {
      guard let value, Self.moment(value) == nil else { continue }
      throw ValidationError(
        "'\(value)' for \(name) is no time: write a day, such as 2026-03-01, or an RFC 3339 time with its offset, such as "
          + "2026-03-01T10:00:00+08:00")
    }
  }

  /// As the wire has it; nil when it is none.
  private static func moment(_ text: String) -> String? {
    if Moment.parse(text) != nil { return text }
    let midnight = text + "T00:00:00Z"
    return Moment.parse(midnight) == nil ? nil : midnight
  }

  func set(on request: inout RequestLine) {
    if let weeks { request.set("weeks", json: String(weeks)) }
    request.set("since", text: since.flatMap(Self.moment))
    request.set("until", text: until.flatMap(Self.moment))
    request.set("as_of", text: asOf.flatMap(Self.moment))
  }
}
