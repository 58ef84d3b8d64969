import RouseCore

extension Backtest {
  /// Mean value of a contact as it was made, with its interval.
  private struct Logged {
    var mean: Double
    var interval: Interval?

    init?(_ trials: [OffPolicy.Trial]) {
      guard !trials.isEmpty else { return nil }
      let count = Double(trials.count)
      mean = trials.reduce(0.0) { $0 + $1.value } / count
      guard trials.count > 1 else { return }
      let mean = mean
      let square = trials.reduce(0.0) { $0 + ($1.value - mean) * ($1.value - mean) }
      let half = Interval.z * (square / (count - 1) / count).squareRoot()
      interval = Interval(low: mean - half, high: mean + half)
    }
  }

  /// Why there are no numbers; nil: there are.
  private func refusal(_ estimate: OffPolicy?) -> String? {
    if trials.isEmpty {
      return log.planned == 0
        ? "No plan was committed in the period, so there is nothing to go by."
        : "None of the \(Words.count(log.planned)) planned contacts of the period can be used: "
          + "\(Words.count(log.notReported)) were not reported, the windows of \(Words.count(log.unfinished)) have not ended, "
          + "\(Words.count(log.notKept)) are no longer kept with what they were decided by."
    }
    if acts.unsupported > 0 {
      return
        "The new policy would contact \(Words.count(acts.unsupported)) of \(Words.count(trials.count)) users on a channel "
        + "that the old one could never have taken for them: what would come of that is not in the log. Let some users "
        + "explore (experiment.explore), or try the new policy on a part."
    }
    let effective = estimate?.effective ?? 0
    guard effective >= Self.leastEffective else {
      return "Only \(Words.fixed(effective, decimals: 1)) contacts of equal weight tell of the new policy; it takes "
        + "\(Words.fixed(Self.leastEffective, decimals: 0)). It agrees with the old one too seldom, or the period is too short."
    }
    if acts.apart > 0, effectiveApart < neededApart {
      return
        "It takes another channel for \(Words.count(acts.apart)) of \(Words.count(trials.count)) users, and only "
        + "\(Words.fixed(effectiveApart, decimals: 1)) contacts of equal weight tell what comes of that; it takes "
        + "\(Words.fixed(neededApart, decimals: 0)). Only explorers tell it: let more explore (experiment.explore), wait, or "
        + "try the new policy on a part."
    }
    return nil
  }

  /// How many contacts of equal weight tell what comes of it where the new policy does not do what the old one does.
  private var effectiveApart: Double {
    OffPolicy(
      trials.map { OffPolicy.Trial(isRepeated: $0.isRepeated && !$0.isOwn, propensity: $0.propensity, value: $0.value) }
    )?.effective ?? 0
  }

  /// How many it takes: so many that enough of them would bring something, if as large a share did as of the whole log.
  private var neededApart: Double {
    let paying = trials.reduce(0) { $0 + ($1.value > 0 ? 1 : 0) }
    guard paying > 0 else { return Self.leastEffective }
    return max(Self.leastEffective, (Self.leastPaying * Double(trials.count) / Double(paying)).rounded(.up))
  }

  /// proto-spec/review.md, section 5.
  package func json() -> [UInt8] {
    let estimate = OffPolicy(trials)
    let refusal = refusal(estimate)
    let logged = Logged(trials)
    let own = OffPolicy.own(trials)
    let difference = estimate?.difference(trials)
    var answer = AnswerWriter()
    answer.object { answer in
      answer.set("policy", new.version)
      answer.set("values_by", yardstick.version)
      answer.object("period") { answer in
        answer.set("since", moment: question.period.lowerBound)
        answer.set("until", moment: question.period.upperBound)
        answer.set("now", moment: question.now)
        answer.set("window_days", Int(yardstick.window / Moment.day))
      }
      answer.object("log") { answer in
        answer.set("planned", log.planned)
        answer.set("used", trials.count)
        answer.set("not_reported", log.notReported)
        answer.set("unfinished", log.unfinished)
        answer.set("other_channel", log.otherChannel)
        answer.set("not_kept", log.notKept)
      }
      answer.object("new") { answer in
        answer.set("same", acts.same)
        answer.set("other_channel", acts.otherChannel)
        answer.set("none", acts.none)
        answer.set("unsupported", acts.unsupported)
        answer.set("apart", acts.apart)
      }
      answer.object("old") { answer in
        answer.set("mean", micros: logged.map { Micros.from($0.mean) })
        answer.set("low", micros: logged?.interval.map { Micros.from($0.low) })
        answer.set("high", micros: logged?.interval.map { Micros.from($0.high) })
        answer.set("snips", micros: own?.snips.map { Micros.from($0) })
      }
      answer.set("effective", estimate?.effective)
      answer.set("effective_apart", acts.apart > 0 ? effectiveApart : nil)
      if let estimate, refusal == nil {
        answer.object("estimate") { answer in
          answer.set("ips", micros: Micros.from(estimate.ips))
          answer.set("snips", micros: estimate.snips.map { Micros.from($0) })
          answer.set("low", micros: estimate.interval.map { Micros.from($0.low) })
          answer.set("high", micros: estimate.interval.map { Micros.from($0.high) })
          answer.set("difference_low", micros: difference.map { Micros.from($0.low) })
          answer.set("difference_high", micros: difference.map { Micros.from($0.high) })
        }
      } else {
        answer.null("estimate")
      }
      answer.set("why", refusal)
      answer.set("verdict", refusal == nil ? verdict(difference) : Verdict.notKnown.rawValue)
      answer.set("blind", texts: Self.blind)
    }
    return answer.bytes
  }

  /// Not before the difference to the old policy, measured alike, is more than chance allows.
  private func verdict(_ difference: Interval?) -> String {
    guard let difference else { return Verdict.notKnown.rawValue }
    if Micros.from(difference.low) > 0 { return "better" }
    return Micros.from(difference.high) < 0 ? "worse" : Verdict.notKnown.rawValue
  }

  /// What no log of contacts can tell.
  private static let blind = [
    "Users whom the old policy never contacted are not in the log: what the new one would make of them is not seen "
      + "(rouse policy compare shows who they are).",
    "Limits are left out: each user is decided by itself, as if every contact that is worth its cost were made.",
    "The figures are means of a contact, not of a campaign: a policy that contacts fewer and better users has a higher mean.",
  ]
}
