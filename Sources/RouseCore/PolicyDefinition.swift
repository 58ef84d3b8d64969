/// What a policy's text says, once every rule of model 1 has been checked. `Policy` compiles it.
package struct PolicyDefinition: Sendable {
  package var name: String
  package var fields: FieldTable
  /// Seconds by which a time may lie ahead of now.
  package var clockSkew: Int64
  package var stages: [StageDefinition]
  package var tiers: [TierDefinition]
  package var suppress: [RuleDefinition]
  package var knockout: [RuleDefinition]
  package var risk: RiskDefinition
  package var response: ResponseDefinition
  package var money: MoneyDefinition
  package var contact: ContactDefinition
  package var channels: [ChannelDefinition]
  package var experiment: ExperimentDefinition
  package var plan: PlanDefinition
  package var regions: RegionDefinition
  package var review: ReviewDefinition
  /// The guardrails that a condition of a request must keep to as well: words that may stand in no name, in ASCII lower
  /// case, and fields that no condition may use.
  package var forbidden: Set<String> = []
  package var proxies: Set<String> = []

  package init(
    name: String, fields: FieldTable, clockSkew: Int64, stages: [StageDefinition], tiers: [TierDefinition],
    suppress: [RuleDefinition], knockout: [RuleDefinition], risk: RiskDefinition, response: ResponseDefinition,
    money: MoneyDefinition, contact: ContactDefinition, channels: [ChannelDefinition], experiment: ExperimentDefinition,
    plan: PlanDefinition, regions: RegionDefinition, review: ReviewDefinition
  ) {
    self.name = name
    self.fields = fields
    self.clockSkew = clockSkew
    self.stages = stages
    self.tiers = tiers
    self.suppress = suppress
    self.knockout = knockout
    self.risk = risk
    self.response = response
    self.money = money
    self.contact = contact
    self.channels = channels
    self.experiment = experiment
    self.plan = plan
    self.regions = regions
    self.review = review
  }
}

/// One stage of the lifecycle (model 3).
package struct StageDefinition: Sendable {
  package var name: String
  package var when: Condition
  /// Slots of the time fields whose latest is the stage's clock; at least one.
  package var since: [Int]
  /// nil: never recalled.
  package var recall: RecallDefinition?

  package init(name: String, when: Condition, since: [Int], recall: RecallDefinition?) {
    self.name = name
    self.when = when
    self.since = since
    self.recall = recall
  }
}

/// What is needed to recall a stage's users.
package struct RecallDefinition: Sendable {
  /// Days on the stage's clock from which a user is dormant.
  package var dormantDays: Int64
  /// Indices into `ResponseDefinition.steps`.
  package var steps: [Int]
  /// Money: the expected ticket where `loanFrom` says nothing.
  package var loan: Double
  package var coupon: Double
  /// Share that would not come back alone.
  package var incremental: Double
  package var points: Int
  /// Days of silence that halve the odds; nil: the response's.
  package var halfLife: Int?
  /// Slot of a number field.
  package var loanFrom: Int?

  package init(
    dormantDays: Int64, steps: [Int], loan: Double, coupon: Double, incremental: Double, points: Int, halfLife: Int?,
    loanFrom: Int?
  ) {
    self.dormantDays = dormantDays
    self.steps = steps
    self.loan = loan
    self.coupon = coupon
    self.incremental = incremental
    self.points = points
    self.halfLife = halfLife
    self.loanFrom = loanFrom
  }
}

package struct TierDefinition: Sendable {
  package var name: String
  /// Greatest number of dormant days in the tier.
  package var days: Int64

  package init(name: String, days: Int64) {
    self.name = name
    self.days = days
  }
}

/// A suppress or knock-out rule (model 5).
package struct RuleDefinition: Sendable {
  package var code: String
  package var when: Condition
  package var say: String?

  package init(code: String, when: Condition, say: String?) {
    self.code = code
    self.when = when
    self.say = say
  }
}

package struct RiskDefinition: Sendable {
  package var baseScore: Int
  package var baseOdds: Double
  package var cutoff: Int
  package var reasons: Int
  package var underwriting: UnderwritingDefinition?
  package var thin: ThinDefinition?
  package var card: [CardRowDefinition]

  package init(
    baseScore: Int, baseOdds: Double, cutoff: Int, reasons: Int, underwriting: UnderwritingDefinition?,
    thin: ThinDefinition?, card: [CardRowDefinition]
  ) {
    self.baseScore = baseScore
    self.baseOdds = baseOdds
    self.cutoff = cutoff
    self.reasons = reasons
    self.underwriting = underwriting
    self.thin = thin
    self.card = card
  }
}

package struct UnderwritingDefinition: Sendable {
  /// Index into `ResponseDefinition.steps`.
  package var step: Int
  package var lift: Int
  package var follow: Double

  package init(step: Int, lift: Int, follow: Double) {
    self.step = step
    self.lift = lift
    self.follow = follow
  }
}

package struct ThinDefinition: Sendable {
  package var knownBelow: Int
  package var points: Int
  package var code: String
  package var say: String?

  package init(knownBelow: Int, points: Int, code: String, say: String?) {
    self.knownBelow = knownBelow
    self.points = points
    self.code = code
    self.say = say
  }
}

/// One characteristic of a scorecard with its attributes (bins) and their points (model 4.1).
package struct CardRowDefinition: Sendable {
  package enum Bins: Sendable {
    /// Lower bounds in rising order.
    case atLeast([(bound: Double, points: Int)])
    /// Texts, or `true` and `false` for a flag, in policy order.
    case isEqual([(key: String, points: Int)])
  }
  /// Slot of the declared or derived field.
  package var slot: Int
  package var bins: Bins
  package var missing: Int
  /// Points of a present value that no `is` bin names.
  package var other: Int
  /// Risk cards only.
  package var code: String?
  package var say: String?

  package init(slot: Int, bins: Bins, missing: Int, other: Int, code: String?, say: String?) {
    self.slot = slot
    self.bins = bins
    self.missing = missing
    self.other = other
    self.code = code
    self.say = say
  }
}

package struct ResponseDefinition: Sendable {
  package struct Step: Sendable {
    package var name: String
    package var rate: Double
    /// Pseudo-users behind the rate; for calibration only.
    package var weight: Double?

    package init(name: String, rate: Double, weight: Double?) {
      self.name = name
      self.rate = rate
      self.weight = weight
    }
  }
  package var halfLife: Int
  package var floor: Int
  package var steps: [Step]
  package var card: [CardRowDefinition]

  package init(halfLife: Int, floor: Int, steps: [Step], card: [CardRowDefinition]) {
    self.halfLife = halfLife
    self.floor = floor
    self.steps = steps
    self.card = card
  }
}

package struct MoneyDefinition: Sendable, BitwiseCopyable {
  package var margin: Double
  package var lossGivenDefault: Double
  package var useOfLimit: Double
  package var maxLoan: Double
  package var relationship: Double
  package var hurdle: Double

  package init(
    margin: Double, lossGivenDefault: Double, useOfLimit: Double, maxLoan: Double, relationship: Double, hurdle: Double
  ) {
    self.margin = margin
    self.lossGivenDefault = lossGivenDefault
    self.useOfLimit = useOfLimit
    self.maxLoan = maxLoan
    self.relationship = relationship
    self.hurdle = hurdle
  }
}

/// A part of the day, in minutes since midnight; the start belongs to it, the end does not.
package struct Window: Sendable, Equatable {
  package var start: Int
  package var end: Int

  package init(start: Int, end: Int) {
    self.start = start
    self.end = end
  }
}

package struct ContactDefinition: Sendable {
  package enum Ladder: String, Sendable, CaseIterable {
    /// Each contact in 30 days opens the next rung.
    case escalate
    /// Every rung is open at once.
    case best
  }
  package var ladder: Ladder
  package var gapDays: Int64
  package var cap30d: Int
  package var hours: Window

  package init(ladder: Ladder, gapDays: Int64, cap30d: Int, hours: Window) {
    self.ladder = ladder
    self.gapDays = gapDays
    self.cap30d = cap30d
    self.hours = hours
  }
}

package struct ChannelDefinition: Sendable {
  package var name: String
  package var needs: Condition
  package var cost: Double
  package var reach: Double
  package var click: Double
  package var quit: Double
  package var cap30d: Int
  package var best: [Window]

  package init(
    name: String, needs: Condition, cost: Double, reach: Double, click: Double, quit: Double, cap30d: Int,
    best: [Window]
  ) {
    self.name = name
    self.needs = needs
    self.cost = cost
    self.reach = reach
    self.click = click
    self.quit = quit
    self.cap30d = cap30d
    self.best = best
  }
}

package struct ExperimentDefinition: Sendable {
  package var salt: String
  package var holdout: Double
  package var explore: Double

  package init(salt: String, holdout: Double, explore: Double) {
    self.salt = salt
    self.holdout = holdout
    self.explore = explore
  }
}

/// The limits of a plan; nil lifts one (model 9).
package struct PlanDefinition: Sendable {
  package struct Quota: Sendable {
    package var name: String
    package var when: Condition
    package var max: Int64
    package var say: String?

    package init(name: String, when: Condition, max: Int64, say: String?) {
      self.name = name
      self.when = when
      self.max = max
      self.say = say
    }
  }
  package var budget: Double?
  package var capital: Double?
  /// One for each channel, in channel order.
  package var capacity: [Int64?]
  package var quotas: [Quota]
  package var tierFirst: Bool

  package init(budget: Double?, capital: Double?, capacity: [Int64?], quotas: [Quota], tierFirst: Bool) {
    self.budget = budget
    self.capital = capital
    self.capacity = capacity
    self.quotas = quotas
    self.tierFirst = tierFirst
  }
}

package struct RegionDefinition: Sendable {
  package struct Group: Sendable {
    package var name: String
    package var regions: [String]

    package init(name: String, regions: [String]) {
      self.name = name
      self.regions = regions
    }
  }
  package var groups: [Group]
  package var notServed: [String]
  /// Minutes east of UTC.
  package var utcOffset: Int
  package var utcOffsets: [(region: String, minutes: Int)]

  package init(groups: [Group], notServed: [String], utcOffset: Int, utcOffsets: [(region: String, minutes: Int)]) {
    self.groups = groups
    self.notServed = notServed
    self.utcOffset = utcOffset
    self.utcOffsets = utcOffsets
  }
}

/// What the weekly review compares with; not used in scoring.
package struct ReviewDefinition: Sendable {
  package var targets: [(name: String, rate: Double)]
  package var psi: [Double]
  package var parity: Double?
  package var windowDays: Int?

  package init(targets: [(name: String, rate: Double)], psi: [Double], parity: Double?, windowDays: Int?) {
    self.targets = targets
    self.psi = psi
    self.parity = parity
    self.windowDays = windowDays
  }
}
