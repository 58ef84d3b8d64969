import RouseCore
import RouseWire
import Synchronization

/// The work of a `score` over the standing audience: rows as they are asked for.
final class AudienceScore: RowSource {
  private struct State: @unchecked Sendable {
    // Sendable because it stays under the lock.
    let reader: AudienceView.Reader
    var next = 0
    var totals = Totals()
  }
  private let view: AudienceView
  private let shadow: ShadowWatch?
  private var slots: Int { view.slots }
  private let state: Mutex<State>
  private let step: Int
  private let meters: Meters?
  private let isCancelled = Atomic<Bool>(false)

  init(
    _ view: AudienceView, now: Int64, extras: Extras, facts: Bool, meters: Meters? = nil, shadow: ShadowWatch? = nil
  ) {
    self.meters = meters
    self.view = view
    self.shadow = shadow
    state = Mutex(State(reader: view.reader(view.live.scorer(at: now), extras: extras, facts: facts)))
    // To explain a candidate costs as much as to score a hundred, and nothing is recorded meanwhile.
    step = extras.contains(.explain) ? 4 : 256
  }

  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  func rows(enough: Int) throws(WireError) -> (bytes: [UInt8], isAtEnd: Bool) {
    let made = state.withLock { state in
      Swift.Result { () throws(WireError) in
        var out = ByteWriter(capacity: enough + 4096)
        // A condition that few meet must not keep the thread for long.
        var left = Self.mostSlots
        while out.count < enough, left > 0, state.next < slots, !isCancelled.load(ordering: .relaxed) {
          let end = min(state.next + step, slots)
          let before = state.totals.lines
          try state.reader.score(state.next..<end, into: &out, totals: &state.totals)
          shadow?.offer(
            .audience(view, state.next..<end), bytes: ShadowQueue.sliceBytes, count: state.totals.lines - before)
          left -= end - state.next
          state.next = end
        }
        return (out.array, state.next >= slots)
      }
    }
    return try made.get()
  }
  private static let mostSlots = 1 << 16

  func tail() -> [UInt8] {
    var out = ByteWriter()
    out.write(",\"summary\":")
    state.withLock { state in
      meters?.decided(.score, state.totals)
      state.totals.writeSummary(into: &out)
    }
    return out.array
  }
}
