import RouseCore
import RousePolicy
import RouseWire
import Synchronization

/// The policies that requests may be answered by: the live one, and those before it that a request may pin. All is
/// swapped in one step; a request keeps the version it began with.
package final class PolicyStore: Sendable {
  /// How many versions can be pinned, the live one included.
  package static let kept = 16

  /// A version that has been live.
  package struct Version: Sendable {
    let live: LivePolicy
    /// As it stood in its file.
    let text: [UInt8]
    var format = PolicyFormat.yaml
    /// Seconds since 1970, when it last became live.
    let since: Int64
    /// Who made it live: an identity, `SIGHUP`, `file` or `start`.
    let by: String
    /// Who put it forward, where another approved it.
    var author: String?

    var name: String { live.policy.version }
  }

  /// A policy that was to become live and did not.
  struct Rejection: Sendable {
    let at: Int64
    let by: String
    let findings: [PolicyFinding]
  }

  private struct State {
    /// The live one first.
    var versions: [Version]
    var rejection: Rejection?
    var needsApproval = false
    var proposals: [PolicyProposal] = []
    /// Read again from the ledger, the one asked for last at the end.
    var recalled: [Version] = []
  }
  private let state: Mutex<State>
  private let format: Mutex<PolicyFormat>
  /// Policies that became live, and that did not, since the server started.
  let activations = Atomic<Int>(0)
  let rejections = Atomic<Int>(0)

  init(_ version: Version, format: PolicyFormat) {
    state = Mutex(State(versions: [version]))
    self.format = Mutex(format)
  }

  /// Of the policy's file.
  var fileFormat: PolicyFormat {
    get { format.withLock { $0 } }
    set { format.withLock { $0 = newValue } }
  }

  var live: LivePolicy { state.withLock { $0.versions[0].live } }

  /// The live one first.
  var versions: [Version] { state.withLock { $0.versions } }

  var rejection: Rejection? { state.withLock { $0.rejection } }

  /// A policy becomes live only when another approves it than who put it forward.
  var needsApproval: Bool {
    get { state.withLock { $0.needsApproval } }
    set { state.withLock { $0.needsApproval = newValue } }
  }

  /// Those that wait for an approval, the oldest first.
  var proposals: [PolicyProposal] {
    get { state.withLock { $0.proposals } }
    set { state.withLock { $0.proposals = newValue } }
  }

  /// All that tells what is live and what might be, of one moment.
  var overview: (versions: [Version], proposals: [PolicyProposal], needsApproval: Bool) {
    state.withLock { ($0.versions, $0.proposals, $0.needsApproval) }
  }

  /// How often in a second the ledger may be asked for a version: to find, read and compile one takes far longer than to
  /// answer the request, and costs nothing of its rate, for it may have to be refused.
  static let mostRecalls = 64
  let recalls = RateBucket(rate: mostRecalls)

  /// How many older versions stay compiled, beside those that were live since the server started.
  static let mostRecalled = 8

  /// A version by its name; nil when it is none of those in memory.
  func version(_ name: String) -> Version? {
    state.withLock { state in
      if let version = state.versions.first(where: { ExactText($0.name) == ExactText(name) }) { return version }
      guard let index = state.recalled.firstIndex(where: { ExactText($0.name) == ExactText(name) }) else { return nil }
      let version = state.recalled.remove(at: index)
      state.recalled.append(version)
      return version
    }
  }

  /// Keeps an older version that the ledger had, in the place of the one that nobody has asked for longest.
  func recall(_ version: Version) {
    state.withLock { state in
      state.recalled.removeAll { ExactText($0.name) == ExactText(version.name) }
      state.recalled.append(version)
      if state.recalled.count > Self.mostRecalled { state.recalled.removeFirst() }
    }
  }

  /// All that a request may be answered by without asking the ledger.
  var pinnable: [Version] { state.withLock { $0.versions + $0.recalled } }

  /// A policy to look at.
  struct Text: Sendable {
    let policy: String
    let format: PolicyFormat
    let text: [UInt8]
  }

  /// A version that was live since the server started, or that waits for an approval.
  func text(_ name: String) -> Text? {
    if let version = version(name) {
      return Text(policy: version.name, format: version.format, text: version.text)
    }
    return proposals.first { ExactText($0.policy) == ExactText(name) }.map {
      Text(policy: $0.policy, format: $0.format, text: $0.text)
    }
  }

  /// Makes a version live. One that was live before moves to the front, and one that waited for it waits no more.
  func activate(_ version: Version) {
    activations.wrappingAdd(1, ordering: .relaxed)
    state.withLock { state in
      state.rejection = nil
      state.proposals.removeAll { ExactText($0.policy) == ExactText(version.name) }
      state.versions.removeAll { ExactText($0.name) == ExactText(version.name) }
      state.versions.insert(version, at: 0)
      if state.versions.count > Self.kept { state.versions.removeLast() }
    }
  }

  /// Notes that the live one stayed because another was faulty.
  func reject(_ rejection: Rejection) {
    rejections.wrappingAdd(1, ordering: .relaxed)
    state.withLock { $0.rejection = rejection }
  }

  /// The file is again what is live: what was wrong with it no longer matters.
  func clearRejection() { state.withLock { $0.rejection = nil } }
}

extension PolicyFormat {
  init(fileName: String) {
    switch Document.Format(fileName: fileName) {
    case .json: self = .json
    case .yaml: self = .yaml
    }
  }

  var document: Document.Format { self == .json ? .json : .yaml }
}

extension PolicyFinding {
  init(_ diagnostic: Diagnostic) {
    self.init(
      kind: diagnostic.kind.rawValue, path: diagnostic.path, line: diagnostic.line, column: diagnostic.column,
      message: diagnostic.message)
  }
}
