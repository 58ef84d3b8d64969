import RouseCore
import TestData

@testable import RouseWire

/// What a candidate's row holds, so that two ways to read a line can be compared.
struct PlainRow: Equatable {
  /// One a declared field: nil while it is missing, else its bits; or the state that makes it an issue.
  enum Fact: Equatable {
    case missing, wrong
    case present(UInt64)
  }

  var facts: [Fact]
  var userID: [UInt8] = []
  var ignored = 0
  var contactsState = FactState.missing
  var contactEntries = 0
  var contacts: [[Int64]] = []

  /// As it was read.
  init(_ row: CandidateRow) {
    facts = (0..<row.declaredCount).map { slot in
      switch row.states[slot] {
      case FactState.missing: .missing
      case FactState.present: .present(row.bits[slot])
      default: .wrong
      }
    }
    userID = Array(row.userID)
    ignored = row.ignored
    contactsState = row.contactsState
    contactEntries = row.contactEntries
    contacts = row.contacts.map { [$0.at, Int64($0.channel)] }
  }

  /// As the model says (2.1 to 2.3), value by value from a tree, with nothing guessed; nil for a line that is no candidate's.
  init?(_ line: [UInt8], _ policy: Policy) {
    guard case .object(let members)? = JSONValue(line), !members.contains(where: { $0.name == "op" }) else {
      return nil
    }
    facts = Array(repeating: .missing, count: policy.fields.declared.count)
    take(members, under: "", policy)
    guard (1...CandidateRow.longestUserID).contains(userID.count) else { return nil }
  }

  private mutating func take(_ members: [JSONValue.Member], under prefix: String, _ policy: Policy) {
    for member in members {
      let path = prefix + member.name
      if path == "user_id" {
        userID = member.value.text.map { Array($0.utf8) } ?? []
      } else if path == "contacts" {
        takeContacts(member.value, policy)
      } else if let slot = policy.fields.declared.firstIndex(where: { $0.name.utf8.elementsEqual(path.utf8) }) {
        facts[slot] = Self.fact(member.value, policy.fields.declared[slot].kind, policy)
      } else if case .object(let inner) = member.value {
        take(inner, under: path + ".", policy)
      } else {
        ignored += 1
      }
    }
  }

  private static func fact(_ value: JSONValue, _ kind: FieldKind, _ policy: Policy) -> Fact {
    if value.isNull { return .missing }
    switch kind {
    case .times, .timesAhead: return time(value).map { .present(UInt64(bitPattern: $0)) } ?? .wrong
    case .numbers: return value.number.flatMap { $0.isFinite ? .present($0.bitPattern) : nil } ?? .wrong
    case .flags: return value.boolean.map { .present($0 ? 1 : 0) } ?? .wrong
    case .texts:
      return value.text.map { text in
        .present(UInt64(policy.texts.texts.dropFirst().firstIndex { $0.elementsEqual(text.utf8) } ?? 0))
      } ?? .wrong
    }
  }

  private static func time(_ value: JSONValue) -> Int64? {
    if let text = value.text { return Moment.parse(text) }
    guard let seconds = value.number, seconds == seconds.rounded(),
      (Double(Moment.first)...Double(Moment.last)).contains(seconds)
    else { return nil }
    return Int64(seconds)
  }

  private mutating func takeContacts(_ value: JSONValue, _ policy: Policy) {
    if value.isNull { return }
    guard case .list(let items) = value else {
      contactsState = FactState.wrongType
      return
    }
    contactsState = FactState.present
    contactEntries = items.count
    for item in items {
      guard let at = item["at"].flatMap(Self.time), let channel = item["channel"]?.text else { continue }
      contacts.append([at, Int64(policy.channels.firstIndex { $0.name == channel } ?? -1)])
    }
  }
}
