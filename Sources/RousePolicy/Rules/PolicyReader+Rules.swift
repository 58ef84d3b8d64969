import RouseCore

/// Every reason code of a policy: each is used once, whatever carries it.
struct CodeList {
  /// The model's own (model 11).
  private static let own = Set(ReasonCode.allCases.map(\.code))
  private var used: [(code: String, mark: Document.Mark, refuse: (String) -> Void)] = []

  static func isWellFormed(_ code: String) -> Bool {
    let bytes = Array(code.utf8)
    return bytes.count == 3 && (0x41...0x5A).contains(bytes[0])
      && bytes[1...].allSatisfy { (0x30...0x39).contains($0) }
  }

  /// - Parameter refuse: reports a repeated code where it stands.
  mutating func add(_ code: String, at mark: Document.Mark, refuse: @escaping (String) -> Void) {
    if Self.own.contains(code) {
      refuse("'\(code)' is one of the model's own codes; give this one another")
    } else {
      used.append((code, mark, refuse))
    }
  }

  /// The later of two in the file is the one at fault.
  func refuseRepeated() {
    var seen: Set<String> = []
    let inOrder = used.enumerated().sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
    for (_, use) in inOrder where !seen.insert(use.code).inserted {
      use.refuse("the code '\(use.code)' is already used in this policy; give this one another")
    }
  }
}

extension PolicyReader {
  private static let codeForm = "a code is a capital letter and two digits, such as R01"

  /// `suppress` and `knockout` (model 5): maps of codes.
  mutating func readRules(_ setting: Setting?) -> [RuleDefinition]? {
    guard let setting else { return [] }
    guard let members = setting.members() else { return nil }
    var rules: [RuleDefinition] = []
    for member in members {
      if CodeList.isWellFormed(member.key) {
        codes.add(member.key, at: member.keyMark) { member.refuseKey(.duplicate, $0) }
      } else {
        member.refuseKey(.value, "\(Self.codeForm), and \(member.key.shown) is not")
      }
      guard let rule = member.settings(needed: ["when"], optional: ["say"]) else { continue }
      let when = condition(rule["when"])
      let say = rule.text("say")
      if let when { rules.append(RuleDefinition(code: member.key, when: when, say: say)) }
    }
    return rules
  }

  /// The code under a key.
  mutating func readCode(_ setting: Setting?) -> String? {
    guard let setting, let code = setting.text() else { return nil }
    guard CodeList.isWellFormed(code) else {
      setting.refuse(.value, "\(Self.codeForm), and \(code.shown) is not")
      return nil
    }
    codes.add(code, at: setting.node.mark) { setting.refuse(.duplicate, $0) }
    return code
  }
}
