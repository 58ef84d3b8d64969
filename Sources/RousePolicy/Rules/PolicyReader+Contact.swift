import RouseCore

extension PolicyReader {
  /// `ladder`, `gap_days`, `cap_30d` and `hours` (model 6); the hours alone as well, for the channels.
  func readContact(_ top: Settings) -> (definition: ContactDefinition?, hours: Window?) {
    let ladder = top["ladder"]?.choice(of: ContactDefinition.Ladder.self)
    let gapDays = top.whole("gap_days", in: 0...365)
    let cap = top.whole("cap_30d", in: 1...1000)
    let hours = top["hours"].flatMap(readWindow)
    guard let ladder, let gapDays, let cap, let hours else { return (nil, hours) }
    return (ContactDefinition(ladder: ladder, gapDays: Int64(gapDays), cap30d: cap, hours: hours), hours)
  }

  /// `channels`, the rungs of the ladder.
  mutating func readChannels(_ setting: Setting?, hours: Window?) -> [ChannelDefinition]? {
    guard let members = setting?.members(atLeastOne: true) else { return nil }
    names.channels = NameList(members.map(\.key))
    return members.compactMap { readChannel($0, hours: hours) }
  }

  private func readChannel(_ setting: Setting, hours: Window?) -> ChannelDefinition? {
    guard
      let channel = setting.settings(needed: ["needs", "cost", "reach", "click", "quit", "cap_30d", "best"])
    else { return nil }
    let needs = condition(channel["needs"])
    let cost = channel.number("cost", in: 0...1e6)
    let reach = channel.number("reach", in: 0...1)
    let click = channel.number("click", in: 0...0.99)
    let quit = channel.number("quit", in: 0...1)
    let cap = channel.whole("cap_30d", in: 1...1000)
    let best = channel["best"].flatMap { readBest($0, hours: hours) }
    guard let needs, let cost, let reach, let click, let quit, let cap, let best else { return nil }
    return ChannelDefinition(
      name: setting.key, needs: needs, cost: cost, reach: reach, click: click, quit: quit, cap30d: cap, best: best)
  }

  private func readBest(_ setting: Setting, hours: Window?) -> [Window]? {
    guard let items = setting.items(atLeastOne: true) else { return nil }
    let windows = items.map(readWindow)
    let best = windows.compactMap { $0 }
    guard best.count == windows.count else { return nil }
    if let hours, !best.contains(where: { $0.start < hours.end && hours.start < $0.end }) {
      setting.refuse(.window, "no window of \(setting.subject) lies within hours, so nothing could ever be sent")
    }
    return best
  }

  private func readWindow(_ setting: Setting) -> Window? {
    guard let text = setting.text() else { return nil }
    if let window = Window(text) { return window }
    setting.refuse(
      .window, "a window is HH:MM-HH:MM, its start before its end, 24:00 at most, and \(text.shown) is not")
    return nil
  }
}

extension Window {
  /// `HH:MM-HH:MM`, the start before the end, at most 24:00.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 11, bytes[5] == UInt8(ascii: "-"), let start = ClockTime.minutes(bytes[..<5]),
      let end = ClockTime.minutes(bytes[6...]), start < end, end <= 24 * 60
    else { return nil }
    self.init(start: start, end: end)
  }
}

/// `HH:MM`: as a time of day, or as an offset.
enum ClockTime {
  static func minutes(_ bytes: ArraySlice<UInt8>) -> Int? {
    let bytes = Array(bytes)
    guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
    let digits = [bytes[0], bytes[1], bytes[3], bytes[4]].map { Int($0) - 0x30 }
    guard digits.allSatisfy((0...9).contains), digits[2] < 6 else { return nil }
    return (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3]
  }
}
