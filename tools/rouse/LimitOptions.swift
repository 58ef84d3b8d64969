import ArgumentParser
import RouseClient
import RouseCore
import RouseWire

/// A limit as it is written: a number, or `none`, which lifts it.
enum Ceiling: Equatable, Sendable {
  case none
  case number(String)

  /// - Parameters:
  ///   - isWhole: contacts and users are counted, money is not.
  init(_ text: String, of option: String, isWhole: Bool, most: Double) throws {
    if text == "none" {
      self = .none
      return
    }
    guard case .number(let digits)? = JSONValue(text.utf8), let value = Double(digits), value >= 0,
      value <= most, !isWhole || Int64(digits) != nil
    else {
      let kind = isWhole ? "a whole number" : "a number"
      throw ValidationError("'\(text)' for \(option): give \(kind) from 0 to \(grouped(Int(most))), or 'none'")
    }
    self = .number(digits)
  }

  var json: String { if case .number(let digits) = self { digits } else { "null" } }
  var money: Double? { if case .number(let digits) = self { Double(digits) } else { nil } }
  var whole: Int64? { if case .number(let digits) = self { Int64(digits) } else { nil } }
}

/// `call=500`, `call=none`.
struct NamedCeiling: Sendable {
  let name: String
  let ceiling: Ceiling

  init(_ text: String, of option: String) throws {
    guard let equals = text.lastIndex(of: "="), equals > text.startIndex else {
      throw ValidationError("'\(text)' for \(option): give NAME=NUMBER, such as \(option) call=500, or NAME=none")
    }
    name = String(text[..<equals])
    ceiling = try Ceiling(
      String(text[text.index(after: equals)...]), of: "\(option) \(name)", isWhole: true, most: 1e12)
  }
}

/// The limits of one plan, in place of the policy's.
struct LimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("At most so many contacts in all.", valueName: "contacts"),
    transform: { try Ceiling($0, of: "--limit", isWhole: true, most: 1e12) })
  var limit: Ceiling?

  @Option(
    help: ArgumentHelp("Expected spend, at most; 'none' lifts the policy's limit.", valueName: "money"),
    transform: { try Ceiling($0, of: "--budget", isWhole: false, most: 1e9) })
  var budget: Ceiling?

  @Option(
    help: ArgumentHelp("Expected pay-out, at most; or 'none'.", valueName: "money"),
    transform: { try Ceiling($0, of: "--capital", isWhole: false, most: 1e12) })
  var capital: Ceiling?

  @Option(
    help: ArgumentHelp("Contacts on a channel, at most; or call=none. Repeatable.", valueName: "channel=contacts"),
    transform: { try NamedCeiling($0, of: "--capacity") })
  var capacity: [NamedCeiling] = []

  @Option(
    help: ArgumentHelp(
      "Users within a quota of the policy, at most; or NAME=none. Repeatable.", valueName: "name=users"),
    transform: { try NamedCeiling($0, of: "--quota") })
  var quota: [NamedCeiling] = []

  @Flag(inversion: .prefixedNo, help: "Fill the tiers one after the other, the freshest first.")
  var tierFirst: Bool?

  func validate() throws {
    for (option, all) in [("--capacity", capacity), ("--quota", quota)] {
      for (index, limit) in all.enumerated() where all[..<index].contains(where: { $0.name == limit.name }) {
        throw ValidationError("\(option) \(limit.name) is given twice")
      }
    }
  }

  func set(on request: inout RequestLine) {
    if let limit { request.set("limit", json: limit.json) }
    if let budget { request.set("budget", json: budget.json) }
    if let capital { request.set("capital", json: capital.json) }
    func object(_ limits: [NamedCeiling]) -> String {
      "{" + limits.map { "\(JSONText.quoted($0.name)):\($0.ceiling.json)" }.joined(separator: ",") + "}"
    }
    if !capacity.isEmpty { request.set("capacity", json: object(capacity)) }
    if !quota.isEmpty { request.set("quota", json: object(quota)) }
    if let tierFirst { request.set("tier_first", json: tierFirst ? "true" : "false") }
  }

  func limits(_ policy: Policy) throws -> PlanLimits {
    var limits = PlanLimits(policy: policy)
    if let budget { limits.budget = budget.money }
    if let capital { limits.capital = capital.money }
    if let limit { limits.limit = limit.whole }
    if let tierFirst { limits.tierFirst = tierFirst }
    for capacity in capacity {
      let index = try Self.index(of: capacity.name, among: policy.channels.map(\.name), "channel", "--capacity")
      limits.capacity[index] = capacity.ceiling.whole
    }
    for quota in quota {
      let index = try Self.index(of: quota.name, among: policy.quotas.map(\.name), "quota", "--quota")
      limits.quotas[index] = quota.ceiling.whole
    }
    return limits
  }

  private static func index(of name: String, among names: [String], _ what: String, _ option: String) throws -> Int {
    if let index = names.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) { return index }
    let known = names.isEmpty ? "it has none" : "it has " + names.joined(separator: ", ")
    throw Failure(
      .usage,
      "\(option) \(name): the policy has no \(what) '\(name)'" + Suggestion.sentence(for: name, among: names)
        + " (\(known))")
  }
}
