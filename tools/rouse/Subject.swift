/// What a line of an input stands for, as messages call it.
enum Subject {
  case candidate, event, user

  var one: String {
    switch self {
    case .candidate: "candidate"
    case .event: "event"
    case .user: "user"
    }
  }

  var many: String { one + "s" }

  /// `1 event`, `1,200 events`.
  func count(_ number: Int) -> String { "\(grouped(number)) \(number == 1 ? one : many)" }
}
