import RouseCore

/// What was predicted of users against what came: in bands of the prediction, and how well it orders them.
struct ReviewCalibration {
  /// A prediction, as a share, and whether it came.
  struct Sample {
    var scores: [Double] = []
    var outcomes: [Bool] = []

    mutating func add(_ score: Double, _ outcome: Bool) {
      scores.append(score)
      outcomes.append(outcome)
    }
  }

  struct Band {
    var from: Double
    var to: Double
    var band: CalibrationBand
  }

  private(set) var sample: Sample
  private(set) var bands: [Band] = []
  private(set) var all: Band?

  private static let mostBands = 10
  /// A band has at least so many users, and so many outcomes are expected of it.
  private static let leastUsers = 100
  private static let leastOutcomes = 3.0

  init(_ sample: Sample) {
    self.sample = sample
    let order = sample.scores.indices.sorted { sample.scores[$0] < sample.scores[$1] }
    guard !order.isEmpty else { return }
    let expected = sample.scores.reduce(0, +)
    let byOutcomes = Int(min(expected / Self.leastOutcomes, Double(Self.mostBands)))
    let count = max(1, min(Self.mostBands, order.count / Self.leastUsers, byOutcomes))
    var start = 0
    for band in 1...count {
      var end = order.count * band / count
      // Equal predictions stay together.
      while end < order.count, end > 0, sample.scores[order[end]] == sample.scores[order[end - 1]] { end += 1 }
      guard end > start else { continue }
      if let band = Self.band(order[start..<end], sample) { bands.append(band) }
      start = end
    }
    all = Self.band(order[...], sample)
  }

  private static func band(_ users: ArraySlice<Int>, _ sample: Sample) -> Band? {
    guard let first = users.first, let last = users.last else { return nil }
    let sum = users.reduce(0.0) { $0 + sample.scores[$1] }
    let outcomes = users.count { sample.outcomes[$0] }
    return CalibrationBand(sum: sum, outcomes: outcomes, of: users.count).map {
      Band(from: sample.scores[first], to: sample.scores[last], band: $0)
    }
  }

  var outcomes: Int { sample.outcomes.count { $0 } }
}

extension AnswerWriter {
  /// - Parameter users: what those predicted of are called.
  mutating func set(_ name: String, _ calibration: ReviewCalibration, users: String, daysKnown: Double? = nil) {
    object(name) { answer in
      answer.set(users, calibration.sample.scores.count)
      answer.set("outcomes", calibration.outcomes)
      answer.set("expected", calibration.sample.scores.reduce(0, +))
      if users == "loans" { answer.set("days_known", daysKnown) }
      if let all = calibration.all { answer.object("all") { $0.write(all) } } else { answer.null("all") }
      answer.list("bands", calibration.bands) { answer, band in answer.object { $0.write(band) } }
    }
  }

  private mutating func write(_ band: ReviewCalibration.Band) {
    set("from", band.from)
    set("to", band.to)
    set("expected", band.band.expected)
    set("observed", band.band.observed)
    set("shift", band.band.shift)
    set("sound", band.band.isSound)
  }

  /// How well predictions order those they were made of.
  mutating func set(_ name: String, _ sample: ReviewCalibration.Sample) {
    object(name) { answer in
      let order = Discrimination(scores: sample.scores, outcomes: sample.outcomes)
      answer.set("users", sample.scores.count)
      answer.set("outcomes", sample.outcomes.count { $0 })
      answer.set("auc", order?.auc)
      answer.set("ks", order?.ks)
      for (member, share) in [("lift10", 0.1), ("lift20", 0.2)] {
        let lift = Discrimination.lift(at: share, scores: sample.scores, outcomes: sample.outcomes)
        answer.set(member, order == nil ? nil : lift)
      }
    }
  }
}
