import RouseCore

extension PolicyReader {
  /// `regions`.
  func readRegions(_ setting: Setting?) -> RegionDefinition? {
    guard
      let regions = setting?.settings(needed: ["utc_offset"], optional: ["groups", "not_served", "utc_offsets"])
    else { return nil }
    let groups = readGroups(regions["groups"])
    let notServed = (regions["not_served"]?.items() ?? []).compactMap { $0.text() }
    let offset = regions["utc_offset"].flatMap(readOffset)
    let offsets = (regions["utc_offsets"]?.members() ?? []).compactMap { member in
      readOffset(member).map { (region: member.key, minutes: $0) }
    }
    guard let offset else { return nil }
    return RegionDefinition(groups: groups, notServed: notServed, utcOffset: offset, utcOffsets: offsets)
  }

  private func readGroups(_ setting: Setting?) -> [RegionDefinition.Group] {
    var groupOf: [ExactText: String] = [:]
    return (setting?.members() ?? []).map { member in
      if member.key.isExactly("unknown") {
        member.refuseKey(.value, "'unknown' is the group of regions in no other; give this one another name")
      }
      var regions: [String] = []
      for item in member.items() ?? [] {
        guard let region = item.text() else { continue }
        if let group = groupOf[ExactText(region)] {
          item.refuse(
            .duplicate, "the region \(region.shown) is already in the group \(group.shown); remove one of them")
        } else {
          groupOf[ExactText(region)] = member.key
          regions.append(region)
        }
      }
      return RegionDefinition.Group(name: member.key, regions: regions)
    }
  }

  /// Minutes east of UTC.
  private func readOffset(_ setting: Setting) -> Int? {
    guard let text = setting.text() else { return nil }
    let bytes = Array(text.utf8)
    if bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
      let minutes = ClockTime.minutes(bytes[1...]), minutes < 15 * 60
    {
      return bytes[0] == UInt8(ascii: "-") ? -minutes : minutes
    }
    setting.refuse(.value, "an offset is +HH:MM or -HH:MM, up to 14:59, and \(text.shown) is not")
    return nil
  }

  /// `review`: nothing of it is needed.
  func readReview(_ setting: Setting?) -> ReviewDefinition? {
    var review = ReviewDefinition(targets: [], psi: [], parity: nil, windowDays: nil)
    guard let setting else { return review }
    guard let settings = setting.settings(needed: [], optional: ["targets", "psi", "parity", "window_days"]) else {
      return nil
    }
    review.targets = (settings["targets"]?.members() ?? []).compactMap { member in
      member.number(in: 0...1).map { (name: member.key, rate: $0) }
    }
    review.psi = (settings["psi"]?.items() ?? []).compactMap { $0.number(in: 0...1) }
    review.parity = settings.number("parity", in: 0...1)
    review.windowDays = settings.whole("window_days", in: 1...365)
    return review
  }
}
