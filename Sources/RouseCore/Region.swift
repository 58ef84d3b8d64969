/// What a region's text says (model 3 and 6), by the text's number.
struct Region: Sendable {
  /// Slot of `region`, when it is declared a text.
  let slot: Int?
  /// Text number of the group, by text number of the region.
  private let groupOf: [UInt64]
  private let notServed: [Bool]
  private let offsetOf: [Int]
  /// Minutes east of UTC, each once; the first is the default.
  let offsets: [Int]

  init(_ definition: RegionDefinition, fields: FieldTable, textCount: Int, textID: (String) -> Int) {
    slot = fields.slot(named: "region").flatMap { fields.type(ofSlot: $0) == .text ? $0 : nil }
    var groupOf = [UInt64](repeating: UInt64(textID("unknown")), count: textCount)
    for group in definition.groups {
      for region in group.regions { groupOf[textID(region)] = UInt64(textID(group.name)) }
    }
    var notServed = [Bool](repeating: false, count: textCount)
    for region in definition.notServed { notServed[textID(region)] = true }
    var offsets = [definition.utcOffset]
    var offsetOf = [Int](repeating: 0, count: textCount)
    for (region, minutes) in definition.utcOffsets {
      let index = offsets.firstIndex(of: minutes) ?? offsets.count
      if index == offsets.count { offsets.append(minutes) }
      offsetOf[textID(region)] = index
    }
    self.groupOf = groupOf
    self.notServed = notServed
    self.offsetOf = offsetOf
    self.offsets = offsets
  }

  @inline(__always) func group(_ text: UInt64) -> UInt64 { groupOf[Int(text)] }
  @inline(__always) func isServed(_ text: UInt64) -> Bool { !notServed[Int(text)] }
  @inline(__always) func offset(_ text: UInt64) -> Int { offsetOf[Int(text)] }
}
