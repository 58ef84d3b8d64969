import Foundation
import RouseCore
import RousePolicy
import RouseWire
import Synchronization

/// A policy that requests are answered by, with what has been made of it so far.
package final class LivePolicy: Sendable {
  package let policy: Policy
  package let tables: WireTables
  /// The scorer of the last moment asked for: requests of one second share it.
  private let last: Mutex<(scorer: Scorer, writer: DecisionWriter)?>

  package init(_ policy: Policy) {
    self.policy = policy
    tables = WireTables(policy: policy)
    last = Mutex(nil)
  }

  /// Reads, checks and compiles a policy's text, and tries it once.
  package static func make(_ text: [UInt8], format: Document.Format) throws(PolicyDiagnostics) -> LivePolicy {
    let live = LivePolicy(Policy(try PolicyReader.read(text, format: format), bytes: text))
    live.tryOut()
    return live
  }

  /// - Parameter now: seconds since 1970.
  package func scorer(at now: Int64) -> (scorer: Scorer, writer: DecisionWriter) {
    last.withLock { last in
      if let last, last.scorer.now == now { return last }
      let scorer = Scorer(policy: policy, now: now)
      let made = (scorer, DecisionWriter(scorer: scorer, tables: tables))
      last = made
      return made
    }
  }

  /// Goes once through all that a request does, with a candidate that has nothing and one that has every field: what
  /// takes long the first time is paid before the first request waits for it.
  private func tryOut() {
    var full = ByteWriter()
    full.write("{\"user_id\":\"0\"}\n{\"user_id\":\"1\"")
    for field in policy.fields.declared {
      full.put(0x2C)
      full.writeQuoted(field.name)
      full.write(field.kind.type == .text ? ":\"\"" : ":null")
    }
    full.write("}\n")
    let block = Block(full.bytes)
    let hands = Hands(self, now: Moment.first, longestLine: .max, ledger: nil)
    let answer = RankAnswer(hands, rows: .all, limits: PlanLimits(policy: policy), memory: nil)
    let work = RankWork(hands, answer)
    work.run(block, index: 0) { _ in }
    work.plan { _ in }
    _ = try? answer.rows(enough: 1 << 16)
  }
}

extension PolicyStore {
  /// Reads the policy that a server starts with.
  package static func read(file: String, now: Int64) throws(ConfigurationError) -> PolicyStore {
    try read(file: file, approval: .notRequired, now: now)
  }

  /// Where approvals are needed, what was live last is live again; what has become of the file since then waits for an
  /// approval, as it would have if the server had been running.
  package static func read(
    file: String, approval: Configuration.PolicyApproval, now: Int64
  ) throws(ConfigurationError) -> PolicyStore {
    let text = try readFile(file, what: "the policy", remedy: "name it under policy in server.yaml")
    let format = PolicyFormat(fileName: file)
    let record = ApprovalFile.path(file)
    let kept = try ApprovalFile.read(record)
    let store: PolicyStore
    if approval == .required, let last = kept.live, last.text != text {
      let live = try make(last.text, last.format, file: record)
      store = PolicyStore(
        Version(live: live, text: last.text, format: last.format, since: now, by: "start"), format: format)
    } else {
      let live = try make(text, format, file: file)
      store = PolicyStore(Version(live: live, text: text, format: format, since: now, by: "start"), format: format)
    }
    store.needsApproval = approval == .required
    store.proposals = kept.proposals
    return store
  }

  private static func make(
    _ text: [UInt8], _ format: PolicyFormat, file: String
  ) throws(ConfigurationError) -> LivePolicy {
    do throws(PolicyDiagnostics) {
      return try LivePolicy.make(text, format: format.document)
    } catch {
      throw ConfigurationError(error, file: file)
    }
  }
}
