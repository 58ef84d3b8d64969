import RouseCore
import Synchronization

/// The candidates who move most, each way, among all that were added: a few are kept.
final class MoverBoard: Sendable {
  /// How many are kept each way.
  static let most = 20

  /// Changes below this are wanted by nobody: a copy that any thread may look at.
  struct Mark: Sendable {
    /// Micros; the least change that may matter, each way.
    fileprivate(set) var up: Int64 = 1
    fileprivate(set) var down: Int64 = -1

    @inline(__always)
    func mayWant(_ change: Int64) -> Bool { change >= up || change <= down }
  }

  private struct State: @unchecked Sendable {
    // Sendable because it stays under the lock.
    var mark = Mark()
    var up: [Mover] = []
    var down: [Mover] = []
  }
  private let state = Mutex(State())

  var mark: Mark { state.withLock { $0.mark } }

  /// The greatest first.
  var movers: (up: [Mover], down: [Mover]) { state.withLock { ($0.up, $0.down) } }

  /// Takes candidates none of whom came before.
  func add(_ movers: [Mover]) {
    guard !movers.isEmpty else { return }
    state.withLock { state in
      for mover in movers where state.mark.mayWant(mover.change) {
        if mover.change > 0 {
          Self.insert(mover, into: &state.up)
          if state.up.count == Self.most, let last = state.up.last { state.mark.up = last.change }
        } else {
          Self.insert(mover, into: &state.down)
          if state.down.count == Self.most, let last = state.down.last { state.mark.down = last.change }
        }
      }
    }
  }

  /// Takes one who may have come before: the greater of his changes stays.
  func addLatest(_ mover: Mover) {
    let isBeaten = state.withLock { state in
      let former = (state.up + state.down).first { $0.userID == mover.userID }
      guard let former else { return false }
      if former.change.magnitude >= mover.change.magnitude { return true }
      state.up.removeAll { $0.userID == mover.userID }
      state.down.removeAll { $0.userID == mover.userID }
      return false
    }
    if !isBeaten { add([mover]) }
  }

  private static func insert(_ mover: Mover, into movers: inout [Mover]) {
    let at = movers.firstIndex { Mover.isBefore(mover, $0) } ?? movers.count
    guard at < most else { return }
    movers.insert(mover, at: at)
    if movers.count > most { movers.removeLast() }
  }
}
