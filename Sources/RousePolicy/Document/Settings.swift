import RouseCore

/// A map with fixed keys: when it is opened, every key that it does not have and every one that it should not have is
/// reported. Absent keys read as nil without a further word.
package struct Settings {
  package let setting: Setting
  private let members: [Setting]

  init?(of setting: Setting, needed: [String], optional: [String]) {
    guard case .map(let entries) = setting.node.content else {
      setting.wrongType("a map with the keys \((needed + optional).joined(separator: ", "))")
      return nil
    }
    self.setting = setting
    let known = needed + optional
    var members: [Setting] = []
    for entry in entries {
      let member = setting.member(entry)
      if known.contains(where: entry.key.isExactly) {
        members.append(member)
      } else {
        let place = setting.path.isEmpty ? "here" : "in \(setting.subject)"
        member.refuseKey(
          .unknownKey,
          "there is no key \(entry.key.shown) \(place)" + Suggestion.sentence(for: entry.key, among: known))
      }
    }
    self.members = members
    for key in needed where !entries.contains(where: { $0.key.isExactly(key) }) {
      refuse(.missingKey, at: key, "\(setting.subject) has no '\(key)', and needs one")
    }
  }

  /// The value under one of the fixed keys.
  package subscript(key: String) -> Setting? { members.first { $0.key.isExactly(key) } }

  /// Something is wrong with the map, and it shows at a path of its own.
  package func refuse(_ kind: Diagnostic.Kind, at step: String, _ message: @autoclosure () -> String) {
    setting.report.add(kind, path: setting.path(to: step), at: setting.node.mark, message())
  }

  /// The value under a key, when it is there and fits; `range` and `type` as in `Setting`.
  package func whole(_ key: String, in range: ClosedRange<Int>) -> Int? { self[key]?.whole(in: range) }
  package func number(_ key: String, in range: ClosedRange<Double>) -> Double? { self[key]?.number(in: range) }
  package func text(_ key: String) -> String? { self[key]?.text() }
  package func flag(_ key: String) -> Bool? { self[key]?.flag() }
}
