import Foundation

/// How often intervals held the truth.
struct Coverage: CustomStringConvertible {
  let name: String
  private(set) var held = 0
  private(set) var above = 0
  private(set) var of = 0

  init(_ name: String) { self.name = name }

  mutating func note(low: Double, high: Double, truth: Double) {
    of += 1
    if low <= truth, truth <= high { held += 1 } else if truth < low { above += 1 }
  }

  var share: Double { of > 0 ? Double(held) / Double(of) : .nan }

  /// Whether intervals that hold in so many cases of 100 would do so this seldom or this often in 999 of 1,000 such runs.
  func fits(_ claimed: Double, atMost: Double = 1) -> Bool {
    let spread = 3.29 * (claimed * (1 - claimed) / Double(max(1, of))).squareRoot()
    return of > 0 && share >= claimed - spread && share <= atMost
  }

  var description: String {
    "\(name): \(held) of \(of) (\(String(format: "%.1f", 100 * share)) %; \(above) lay too high)"
  }
}
