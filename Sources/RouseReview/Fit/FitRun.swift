import RouseWire

/// A fit and its report, in one go.
package struct FitRun {
  package let fitted: FittedPolicy
  /// JSON, as proto-spec/fit.md has it.
  package let report: [UInt8]

  /// - Parameters:
  ///   - holdoutShare: of the rows that are only tried on; nil: all are learned from.
  ///   - isAbandoned: asked now and then; once it is true the fit ends in `cancelled`.
  package init(
    _ text: PolicyText, settings: FitSettings, holdoutShare: Double?, _ set: TrainingSet,
    isAbandoned: @escaping @Sendable () -> Bool = { false }
  ) throws(ReviewError) {
    let fit = PolicyFit(text, settings: settings, isAbandoned: isAbandoned)
    var holdout = JSONTree.null
    if let holdoutShare {
      let split = TrainingSplit(set, share: holdoutShare)
      fitted = try fit.fit(split.training)
      holdout = HoldoutReport(split, old: text.policy, new: fitted.new.policy).tree
    } else {
      fitted = try fit.fit(set)
    }
    report = JSONTree.object(fitted.report + [("holdout", holdout)]).bytes
  }
}
