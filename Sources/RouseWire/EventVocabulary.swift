import RouseCore

/// What events may name, by a policy: its channels, and the steps of its funnels.
package struct EventVocabulary: Sendable {
  let steps: Set<ExactText>
  let channels: Set<ExactText>

  package init(policy: Policy) {
    steps = Set(policy.definition.response.steps.map { ExactText($0.name) })
    channels = Set(policy.channels.map { ExactText($0.name) })
  }

  /// What is wrong with an event by the policy; the kind comes first.
  func fault(of event: Event) -> EventResult? {
    if case .step(let name) = event.kind, !steps.contains(ExactText(name)) { return .unknownKind }
    if let channel = event.channel, !channels.contains(ExactText(channel)) { return .unknownChannel }
    return nil
  }
}
