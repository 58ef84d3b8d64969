import RouseWire

/// A field of the candidate, hashed: who has the same field finds the user, and nobody reads it there.
struct HashedField: Sendable {
  let digest: Digest
  /// The field's name; `device.os` is a member of an object.
  let name: String
  let normalisation: Normalisation
  let countryCode: String?
  /// Goes before the value.
  let salt: [UInt8]

  private var isID: Bool { name == "user_id" }
  /// It is in the row, and needs no look at the candidate.
  var isInRow: Bool { isID }

  /// nil where there is no value, or none that can be normalised.
  func hash(of candidate: JSONValue) throws -> [UInt8]? {
    var value: JSONValue? = candidate
    if let whole = candidate[name] {
      value = whole
    } else {
      for step in name.split(separator: ".") { value = value?[String(step)] }
    }
    let text: String? =
      switch value {
      case .text(let text)?: text
      case .number(let digits)?: digits
      default: nil
      }
    guard let text, let normal = normalisation.apply(text, countryCode: countryCode) else { return nil }
    return try digest(salt + Array(normal.utf8))
  }
}
