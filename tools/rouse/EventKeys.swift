import RouseCore
import RouseWire

/// What an event's line may carry, and its key: without one, an event that is sent again would count twice.
struct EventKeys {
  static let columns = ["key", "user_id", "kind", "at", "channel", "plan", "campaign", "cost", "amount"]
  /// A time in digits is seconds since 1970.
  static let kinds: [String: FieldKind] = ["at": .numbers, "cost": .numbers, "amount": .numbers]

  /// Names keys after the lines.
  let prefix: String?

  private static let keyed = Array("{\"key\":\"".utf8)

  /// Writes an event's line, with a key.
  func write(
    _ line: UnsafeRawBufferPointer, _ place: () -> String, _ number: Int, into out: inout ByteWriter
  ) throws {
    guard !line.starts(with: Self.keyed), case .object(let members)? = JSONValue(line),
      !members.contains(where: { $0.name == "key" }), let start = line.firstIndex(of: 0x7B)
    else { return out.write(line) }
    guard let prefix else {
      throw Failure(
        .usage,
        "\(place()): this event has no key, and without one an event that is sent again counts twice; give each a key of "
          + "its own, or --keys-from NAME, which makes NAME:LINE. What came before it may be recorded; send it all again, "
          + "and it still counts once")
    }
    out.write("{\"key\":")
    out.writeQuoted("\(prefix):\(number)")
    if !members.isEmpty { out.put(0x2C) }
    out.write(UnsafeRawBufferPointer(rebasing: line[(start + 1)...]))
  }
}
