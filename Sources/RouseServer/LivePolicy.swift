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

  /// Reads, checks and compiles a policy's file; `.json` is JSON, anything else YAML.
  package static func read(file: String) throws(ConfigurationError) -> LivePolicy {
    let bytes = try readFile(file, what: "the policy", remedy: "name it under policy in server.yaml")
    do throws(PolicyDiagnostics) {
      let definition = try PolicyReader.read(bytes, format: Document.Format(fileName: file))
      return LivePolicy(Policy(definition, bytes: bytes))
    } catch {
      throw ConfigurationError(error, file: file)
    }
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
}
