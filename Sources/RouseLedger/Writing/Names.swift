import RouseCore

/// The ledger's numbers for kinds and channels. A name that is new is written down with the transaction that brings it.
struct Names {
  private var kindNumbers: [String: Int] = [:]
  private var kindNames: [Int: String] = [:]
  /// By number: events before this are no longer kept.
  var swept: [Int: Int64] = [:]
  private var channelNumbers: [String: Int] = [:]
  private(set) var channels: [String] = []

  /// Of the fixed kinds, by their order.
  static let fixed = Dictionary(uniqueKeysWithValues: EventKind.fixed.enumerated().map { ($1.name, $0) })
  static let contact = 0
  static let complaint = 8
  static let optOut = 9
  static let optIn = 10
  /// The first number of a policy's step.
  private static let firstStep = 16

  init(_ reading: any LedgerReading) throws {
    for kind in try reading.kinds() { keep(kind) }
    for name in try reading.channels() { keep(channel: name) }
    for (name, number) in Self.fixed where kindNumbers[name].map({ $0 != number }) ?? false {
      throw StoreError.damaged("the kind \(name) has another number")
    }
  }

  mutating func keep(_ kind: StoredKind) {
    kindNumbers[kind.name] = kind.number
    kindNames[kind.number] = kind.name
    swept[kind.number] = kind.swept
  }

  private mutating func keep(channel: String) {
    channelNumbers[channel] = channels.count
    channels.append(channel)
  }

  func kind(_ kind: EventKind) -> Int? { kindNumbers[kind.name] ?? Self.fixed[kind.name] }
  func kind(_ number: Int) -> EventKind? { kindNames[number].map { EventKind(named: $0) } }
  func channel(_ name: String) -> Int? { channelNumbers[name] }
  var kinds: [Int: String] { kindNames }

  /// Gives what is new among events a number; false when there is none left for a channel.
  mutating func learn(_ event: Event, _ writing: any LedgerWriting) throws -> Bool {
    if kindNumbers[event.kind.name] == nil {
      let next = max(Self.firstStep, (kindNames.keys.max() ?? 0) + 1)
      let kind = StoredKind(number: Self.fixed[event.kind.name] ?? next, name: event.kind.name)
      try writing.insert(kind: kind)
      keep(kind)
    }
    if let channel = event.channel, channelNumbers[channel] == nil {
      guard channels.count < ContactFact.noChannel else { return false }
      try writing.insert(channel: channels.count, name: channel)
      keep(channel: channel)
    }
    return true
  }
}
