import RouseCore
import RouseLedger

/// What a server keeps: the ledger, and the audience that stands in memory beside it.
struct Keeping: Sendable {
  let ledger: Ledger
  let audience: StandingAudience

  /// Another policy is live: its text is kept, and the audience arranged for it.
  func hasChanged(_ policies: PolicyStore) {
    let live = policies.versions[0]
    ledger.keep(
      policy: live.name, text: live.text, format: policies.fileFormat.rawValue, at: live.since, by: live.by)
    audience.arrange(for: live.live)
  }
}
