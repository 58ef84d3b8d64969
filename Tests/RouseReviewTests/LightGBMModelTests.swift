import Testing

@testable import RouseReview

@Suite struct LightGBMModelTests {
  /// Two trees as save_model writes them; the second is a leaf.
  private static let text = """
    tree
    version=v4
    num_class=1
    objective=binary sigmoid:1
    feature_names=age income
    feature_infos=[0:90] [0:1]

    Tree=0
    num_leaves=3
    num_cat=0
    split_feature=0 1
    threshold=30.5 0.25
    decision_type=10 8
    left_child=-1 -2
    right_child=1 -3
    leaf_value=-0.5 0.1 0.9
    leaf_count=50 30 20
    is_linear=0

    Tree=1
    num_leaves=1
    leaf_value=0.2

    end of trees
    feature_importances:
    """

  @Test func pointsAreMarginsOverTheMean() throws {
    let model = try LightGBMModel(Array(Self.text.utf8))
    let mean = (-0.5 * 50 + 0.1 * 30 + 0.9 * 20) / 100
    func points(_ margin: Double) -> Double { (margin - mean) / LogisticProblem.unit }
    #expect(abs(model.points([20, 0]) - points(-0.5)) < 1e-9)
    #expect(abs(model.points([30.5, 0.9]) - points(-0.5)) < 1e-9)
    #expect(abs(model.points([31, 0.25]) - points(0.1)) < 1e-9)
    #expect(abs(model.points([31, 0.26]) - points(0.9)) < 1e-9)
    // Missing: by default left at the first split, right at the second.
    #expect(abs(model.points([.nan, 0.26]) - points(-0.5)) < 1e-9)
    #expect(abs(model.points([31, .nan]) - points(0.9)) < 1e-9)
  }

  @Test func theRowRisesAndIsCapped() {
    let row = LightGBMModel.row("model_score", cap: 40, step: 8)
    let points = row.split(separator: "\n").compactMap { line -> Int? in
      let parts = line.split(separator: ":")
      return parts.count == 2 && line.hasPrefix("    ") ? Int(parts[1].drop { $0 == " " }) : nil
    }
    #expect(points.first == -40 && points.last == 40 && zip(points, points.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test(arguments: [
    ("objective=binary sigmoid:1", "objective=regression", "only binary"),
    ("right_child=1 -3", "right_child=0 -3", "leads nowhere"),
    ("left_child=-1 -2", "left_child=-1 -9", "leads nowhere"),
    ("decision_type=10 8", "decision_type=1 8", "category"), ("split_feature=0 1", "split_feature=0 2", "not there"),
    ("threshold=30.5 0.25", "threshold=30.5", "fit together"),
    ("feature_names=age income", "names=", "no feature_names"),
  ]) func faultsAreNamed(_ fault: (old: String, new: String, says: String)) {
    let error = #expect(throws: ReviewError.self) {
      _ = try LightGBMModel(Array(Self.text.replacing(fault.old, with: fault.new).utf8))
    }
    #expect(error?.description.contains(fault.says) == true, "\(error?.description ?? "")")
  }
}
