import RouseCore

/// A pass over what is no longer kept, in steps between which other work goes on.
struct Sweep: Sendable {
  let now: Int64
  let done: Ledger.Done<Void>
  /// What is left to be done, once it has begun.
  var rest: [Step]?

  enum Step: Sendable {
    case events(kind: Int, before: Int64)
    case plans(before: Int64)
    case memory(block: Int, leasesUntil: Int64)
  }

  /// Rows and events of one transaction, and blocks of users under one lock.
  static let mostRows = 2000
  static let mostBlocks = 256
  /// Where the moment of the last pass is kept.
  static let meta = "swept"
}

extension Writer {
  /// Does the next step of the pass that is under way.
  func sweepOn() {
    guard var sweep = sweeps.first else { return }
    if let failure = memory.failure {
      sweeps.removeFirst()
      return sweep.done(.failure(failure))
    }
    do {
      guard let step = sweep.rest?.last else {
        if sweep.rest == nil {
          sweep.rest = try begin(sweep)
          sweeps[0] = sweep
        } else {
          sweeps.removeFirst()
          sweep.done(.success(()))
        }
        return
      }
      if try carryOut(step) {
        sweep.rest?.removeLast()
      } else if case .memory(let block, let until) = step {
        sweep.rest = (sweep.rest ?? []).dropLast() + [.memory(block: block + Sweep.mostBlocks, leasesUntil: until)]
      }
      sweeps[0] = sweep
      try store.settle()
    } catch {
      fail(error)
    }
  }

  /// The clock may be wrong by years: what is kept moves on by a day a pass at most, so that nothing is lost before
  /// someone has seen it.
  private func begin(_ sweep: Sweep) throws -> [Sweep.Step] {
    try store.write { writing in
      let last = try writing.meta(Sweep.meta).flatMap { Int64($0) }
      let moment = min(sweep.now, last?.adding(86_400) ?? sweep.now)
      if let last, sweep.now > last.adding(2 * 86_400) {
        say(
          "\(settings.file): the clock is \((sweep.now - last) / 86_400) days later than at the last pass over what is "
            + "kept; this one goes on by one day")
      }
      try writing.set(meta: Sweep.meta, to: moment.bytes)

      var steps: [Sweep.Step] = [.memory(block: 0, leasesUntil: moment)]
      let days = settings.retention.plans
      steps.append(.plans(before: Ledger.Retention.moment(moment, daysBefore: days)))
      for (number, name) in names.kinds.sorted(by: { $0.key < $1.key }) {
        guard let before = settings.retention.oldest(EventKind(named: name), moment) else { continue }
        // Before the first of them is removed: from here on they are too old.
        if before > names.swept[number] ?? .min {
          try writing.set(swept: before, of: number)
          names.swept[number] = before
        }
        steps.append(.events(kind: number, before: before))
      }
      return steps
    }
  }

  /// Whether the step is done.
  private func carryOut(_ step: Sweep.Step) throws -> Bool {
    switch step {
    case .events(let kind, let before):
      return try store.write { try $0.sweepEvents(of: kind, before: before, most: Sweep.mostRows) } < Sweep.mostRows
    case .plans(let before):
      return try store.write { try $0.sweepPlans(before: before, most: Sweep.mostRows) } == 0
    case .memory(let block, let leasesUntil):
      let count = memory.standing.blockCount
      guard block < count else { return true }
      let blocks = block..<min(block + Sweep.mostBlocks, count)
      let swept = names.swept
      let changes = Int64(clamping: changesSince).adding(1)
      memory.write { standing in
        standing.forget(blocks: blocks, contactsBefore: swept[Names.contact]) { kind in
          switch kind {
          case Fact.Kind.optOut: swept[Names.optOut]
          case Fact.Kind.optIn: swept[Names.optIn]
          case Fact.Kind.complaint: swept[Names.complaint]
          case Fact.Kind.lease: leasesUntil.adding(1)
          default: changes
          }
        }
      }
      return false
    }
  }
}

extension Int64 {
  /// 8 bytes, the highest first.
  var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * Int64($0))) } }

  /// nil unless there are 8 bytes.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == 8 else { return nil }
    self = bytes.reduce(0) { $0 << 8 | Int64($1) }
  }
}
