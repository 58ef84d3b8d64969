import RouseCore
import RouseLedger
import RouseWire

/// What a server keeps: the ledger, and the audience that stands in memory beside it.
struct Keeping: Sendable {
  let ledger: Ledger
  let audience: StandingAudience

  /// A version that was live before, compiled; nil when the ledger does not have it, or it is none for this server any more.
  func recall(_ name: String) -> PolicyStore.Version? {
    guard let stored = try? ledger.view({ try $0.policy(name) }) else { return nil }
    let format = PolicyFormat(rawValue: stored.format) ?? .yaml
    guard let live = try? LivePolicy.make(stored.text, format: format.document),
      ExactText(live.policy.version) == ExactText(name)
    else { return nil }
    return PolicyStore.Version(live: live, text: stored.text, format: format, since: stored.at, by: stored.by)
  }

  /// Another policy is live: its text is kept, and the audience arranged for it.
  func hasChanged(_ policies: PolicyStore) {
    let live = policies.versions[0]
    ledger.keep(
      policy: live.name, text: live.text, format: policies.fileFormat.rawValue, at: live.since, by: live.by)
    audience.arrange(for: live.live)
  }
}
