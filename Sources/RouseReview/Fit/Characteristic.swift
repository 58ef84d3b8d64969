import Glibc
import RouseCore

/// A column cut into attributes: intervals of a number, or texts, with those that are left over and those that are missing.
struct Characteristic {
  enum Shape {
    /// The lower bounds of the attributes, rising.
    case bounds([Double])
    /// The texts of the attributes; all others are one more, the last but one.
    case levels([String])
  }
  let name: String
  let kind: FieldKind
  var shape: Shape
  /// Attribute of each row: those of the shape, then the other texts, then missing.
  var attributes: [Int32]
  /// Of the attributes.
  var counts: [Double]
  var events: [Double]

  /// Those of the shape, and with texts the others.
  var valueCount: Int {
    switch shape {
    case .bounds(let bounds): bounds.count
    case .levels(let levels): levels.count + 1
    }
  }
  var missing: Int { valueCount }
  var attributeCount: Int { valueCount + 1 }
  var isOrdered: Bool { if case .bounds = shape { true } else { false } }
  var hasMissing: Bool { counts[missing] > 0 }
  /// How many numbers the row has in a policy's text.
  var numbers: Int {
    switch shape {
    case .bounds(let bounds): bounds.count + (hasMissing ? 1 : 0)
    case .levels(let levels): levels.count + (hasOther ? 1 : 0) + (hasMissing ? 1 : 0)
    }
  }
  /// Some row has a text that is not listed.
  var hasOther: Bool { if case .levels(let levels) = shape { counts[levels.count] > 0 } else { false } }

  init(name: String, kind: FieldKind, shape: Shape, attributes: [Int32], outcomes: [Bool], weights: [Double]) {
    self.name = name
    self.kind = kind
    self.shape = shape
    self.attributes = attributes
    counts = []
    events = []
    count(outcomes, weights)
  }

  private mutating func count(_ outcomes: [Bool], _ weights: [Double]) {
    counts = [Double](repeating: 0, count: attributeCount)
    events = counts
    for (row, attribute) in attributes.enumerated() {
      counts[Int(attribute)] += weights[row]
      if outcomes[row] { events[Int(attribute)] += weights[row] }
    }
  }

  /// Weight of evidence of an attribute: ln of its odds over all the rows' odds, half a row added.
  func evidence(_ attribute: Int) -> Double {
    let (good, all) = (events.reduce(0, +), counts.reduce(0, +))
    let came = (events[attribute] + 0.5) / (good + 0.5)
    let stayed = (counts[attribute] - events[attribute] + 0.5) / (all - good + 0.5)
    return log(came / stayed)
  }

  /// What an attribute adds to the information value.
  func value(_ attribute: Int) -> Double {
    guard counts[attribute] > 0 else { return 0 }
    let (good, all) = (events.reduce(0, +), counts.reduce(0, +))
    guard good > 0, all > good else { return 0 }
    return (events[attribute] / good - (counts[attribute] - events[attribute]) / (all - good)) * evidence(attribute)
  }

  var informationValue: Double { (0..<attributeCount).reduce(0) { $0 + value($1) } }

  /// Makes one of two attributes of the shape; with texts the first joins the others.
  /// - Parameter attribute: with bounds, it joins the one before it.
  mutating func merge(_ attribute: Int) {
    var map = (0..<attributeCount).map { Int32($0) }
    switch shape {
    case .bounds(var bounds):
      bounds.remove(at: attribute)
      for index in attribute..<attributeCount { map[index] -= 1 }
      shape = .bounds(bounds)
    case .levels(var levels):
      let others = levels.count - 1
      levels.remove(at: attribute)
      for index in attribute..<attributeCount { map[index] -= 1 }
      map[attribute] = Int32(others)
      shape = .levels(levels)
    }
    for row in attributes.indices { attributes[row] = map[Int(attributes[row])] }
    var (counts, events) = (
      [Double](repeating: 0, count: attributeCount), [Double](repeating: 0, count: attributeCount)
    )
    for index in map.indices {
      counts[Int(map[index])] += self.counts[index]
      events[Int(map[index])] += self.events[index]
    }
    self.counts = counts
    self.events = events
  }

  /// How much likelihood is lost where two attributes become one: twice the difference of its logarithms.
  func loss(_ a: Int, _ b: Int) -> Double {
    func part(_ events: Double, _ count: Double) -> Double {
      guard count > 0, events > 0, events < count else { return 0 }
      return events * log(events / count) + (count - events) * log((count - events) / count)
    }
    return 2
      * (part(events[a], counts[a]) + part(events[b], counts[b]) - part(events[a] + events[b], counts[a] + counts[b]))
  }
}
