import RouseCore
import RouseWire

/// A comparison in a few sentences: what changes in money, who comes in and who goes, what the limits ask, and whom that
/// passes over.
struct ComparisonWords {
  let sentences: [String]

  init(_ result: ComparisonResult) {
    guard result.tally.lines > 0 else {
      sentences = [
        "There was no candidate to compare on: is the file empty, the audience not loaded, or the condition true of nobody?"
      ]
      return
    }
    var sentences = [Self.value(result), Self.list(result)]
    sentences += Self.parts(result)
    sentences += Self.flips(result)
    sentences += Self.parity(result)
    sentences += Self.errors(result)
    self.sentences = sentences
  }

  private static func value(_ result: ComparisonResult) -> String {
    let (old, new) = (result.tally.old.all, result.tally.new.all)
    func net(_ sums: ComparisonTally.Sums) -> Int128 { floorDivide(sums.worth, Int128(Micros.one)) }
    let change = net(new) - net(old)
    let spend = new.spend - old.spend
    let of = result.plans == nil ? "of all who are eligible" : "of the contact list"
    let first =
      "The net value \(of) is \(money(net(new))) under the \(result.names.new) and \(money(net(old))) under the \(result.names.old)"
    let second = change == 0 ? "no change" : "\(money(abs(change))) \(change > 0 ? "more" : "less")"
    let third =
      abs(spend) < 5_000 ? "at the same spend" : "for \(money(abs(spend))) \(spend > 0 ? "more" : "less") spend"
    return "\(first): \(second), \(third)."
  }

  private static func list(_ result: ComparisonResult) -> String {
    let tally = result.tally
    let (verb, place) = result.plans == nil ? ("eligible", "eligible") : ("contacted", "on the list")
    return "\(count(tally.new.all.contacts)) are \(verb) instead of \(count(tally.old.all.contacts)): "
      + "\(count(tally.stayIn.count)) stay \(place), \(count(tally.comeIn.count)) come in, "
      + "\(count(tally.goOut.count)) go out."
  }

  /// A new policy may say that the same contacts are worth more, and do nothing else: that is a belief, and no gain yet.
  private static func parts(_ result: ComparisonResult) -> [String] {
    let tally = result.tally
    let judged = tally.stayIn.newValue - tally.stayIn.oldValue
    guard tally.new.all.value != tally.old.all.value, abs(judged) >= 5_000 else { return [] }
    let sign = judged < 0 ? "-" : "+"
    return [
      "Of the change in value, \(sign)\(money(abs(judged))) is that those who stay are judged otherwise; who comes in is worth "
        + "\(money(tally.comeIn.newValue)) by the \(result.names.new), and who goes out was worth \(money(tally.goOut.oldValue)) by the \(result.names.old)."
    ]
  }

  private static func flips(_ result: ComparisonResult) -> [String] {
    var declined = 0
    var admitted = 0
    for (flip, count) in result.tally.flips {
      if flip.to == .declined { declined += count }
      if flip.from == .declined { admitted += count }
    }
    switch (declined, admitted) {
    case (0, 0): return []
    case (_, 0): return ["\(count(declined)) are declined who were not before."]
    case (0, _): return ["\(count(admitted)) are no longer declined."]
    default: return ["\(count(declined)) are declined who were not before, and \(count(admitted)) no longer are."]
    }
  }

  private static func parity(_ result: ComparisonResult) -> [String] {
    guard let floor = result.new.policy.definition.review.parity else { return [] }
    let after = ComparisonResult.parities(result.tally.new, result.new.policy)
    let before = ComparisonResult.parities(result.tally.old, result.old.policy)
    let below = zip(result.new.groups, after).filter { $0.1.isBelow }.map(\.0)
    guard !below.isEmpty else {
      return ["No region group is selected at less than \(shortest(floor)) of the best group's rate."]
    }
    let wereBelow = zip(result.old.groups, before).filter { $0.1.isBelow }.map(\.0)
    let isNew = below.filter { name in !wereBelow.contains { ExactText($0) == ExactText(name) } }
    let names = below.joined(separator: ", ")
    let one = below.count == 1
    return [
      "Region group\(one ? "" : "s") \(names): selected at less than \(shortest(floor)) of the best group's rate"
        + (isNew.isEmpty
          ? ", as under the \(result.names.old)."
          : isNew.count == below.count ? ", which is new." : "; new is \(isNew.joined(separator: ", ")).")
    ]
  }

  private static func errors(_ result: ComparisonResult) -> [String] {
    let invalid = max(
      result.tally.old.statuses[Int(Status.invalid.rawValue)], result.tally.new.statuses[Int(Status.invalid.rawValue)])
    return invalid == 0
      ? []
      : [
        "\(count(invalid)) of \(count(result.lines)) lines are no usable candidates; they count as \(result.plans == nil ? "under neither" : "on neither list")."
      ]
  }

  // MARK: - Numbers in words

  /// `1,234.50`, from micros.
  static func money(_ micros: Int128, decimals: Int = 2) -> String {
    if decimals == 6 {
      var out = ByteWriter(capacity: 64)
      out.write(micros: micros)
      return String(decoding: out.bytes, as: UTF8.self)
    }
    let cents = (abs(micros) + 5_000) / 10_000
    let rest = String(Int(cents % 100))
    let sign = micros < 0 && cents > 0 ? "-" : ""
    return sign + grouped(String(cents / 100)) + "." + (rest.utf8.count == 1 ? "0" : "") + rest
  }

  /// `1,234`.
  static func count(_ value: Int) -> String { grouped(String(value)) }

  private static func grouped(_ digits: String) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }
}

extension ComparisonResult {
  /// What the two are called: of a shadow the other is the live one.
  fileprivate var names: (old: String, new: String) {
    plans == nil ? ("live policy", "shadow") : ("old policy", "new policy")
  }
}
