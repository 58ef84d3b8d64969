/// What a score may be asked for on top of its decisions.
package struct Extras: OptionSet, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// `explain`: the whole calculation.
  package static let explain = Extras(rawValue: 1)
  /// `valid_until`: when the answer changes by the passing of time alone.
  package static let validUntil = Extras(rawValue: 2)
}
