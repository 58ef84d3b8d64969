import ArgumentParser

/// How a value is spelled before it is hashed: one spelling, or no match.
enum Normalisation: String, ExpressibleByArgument, CaseIterable {
  case none
  case email
  case emailGmail = "email-gmail"
  case emailPlus = "email-plus"
  case phone
  case phoneDigits = "phone-digits"
  case phoneNational = "phone-national"

  var isPhone: Bool { self == .phone || self == .phoneDigits || self == .phoneNational }

  /// nil for what is none: an address without an @, a number of no country.
  ///
  /// - Parameter countryCode: of numbers that do not begin with + or 00.
  func apply(_ text: String, countryCode: String?) -> String? {
    switch self {
    case .none: return text.isEmpty ? nil : text
    case .email, .emailGmail, .emailPlus: return email(text)
    case .phone, .phoneDigits, .phoneNational:
      guard let number = PhoneNumber(text, countryCode: countryCode) else { return nil }
      switch self {
      case .phone: return "+" + number.digits
      case .phoneDigits: return number.digits
      default: return number.national
      }
    }
  }

  private func email(_ text: String) -> String? {
    let address = String(text.unicodeScalars.filter { !$0.properties.isWhitespace }.map(Character.init)).lowercased()
    let parts = address.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    var name = String(parts[0])
    let isGmail = parts[1] == "gmail.com" || parts[1] == "googlemail.com"
    if self == .emailPlus || self == .emailGmail && isGmail { name = String(name.prefix { $0 != "+" }) }
    if self == .emailGmail, isGmail { name.removeAll { $0 == "." } }
    return name.isEmpty ? nil : "\(name)@\(parts[1])"
  }
}

/// A telephone number with its country, as E.164 has it.
struct PhoneNumber {
  /// Country code and number.
  let digits: String
  /// Without the country code, where that is known to be the one asked for.
  let national: String?

  /// Trunk codes and lengths that are known: there a number that carries its country code without a + can be told.
  private static let plans: [String: (digits: ClosedRange<Int>, trunk: Character?)] = [
    "1": (10...10, nil), "7": (10...10, "8"), "86": (10...11, nil), "91": (10...10, nil),
  ]

  /// nil where it is no number, or of no country that is known: a guess would be somebody else's number.
  init?(_ text: String, countryCode: String?) {
    guard let (digits, isInternational) = Self.digits(text) else { return nil }
    var whole = digits
    if !isInternational {
      guard let countryCode, let national = Self.national(digits, countryCode) else { return nil }
      whole = countryCode + national
    }
    guard (7...15).contains(whole.utf8.count), whole.first != "0" else { return nil }
    self.digits = whole
    national = countryCode.flatMap { whole.hasPrefix($0) ? String(whole.dropFirst($0.utf8.count)) : nil }
  }

  /// The digits without what makes them readable, and whether a country code is said to be among them.
  private static func digits(_ text: String) -> (String, isInternational: Bool)? {
    var digits = ""
    var hasPlus = false
    // The zero in +44 (0)20 is dialled within the country alone; it goes with the country code that stands before it.
    let parts = text.split(separator: "(0)", maxSplits: 1, omittingEmptySubsequences: false)
    for character in parts.joined().unicodeScalars.map(Character.init) {
      switch character {
      case "0"..."9": digits.append(character)
      case "+" where digits.isEmpty && !hasPlus: hasPlus = true
      case " ", "\t", "\u{A0}", "\u{202F}", "-", "\u{2010}", "\u{2011}", "\u{2013}", ".", "/", "(", ")": break
      default: return nil
      }
    }
    guard !digits.isEmpty else { return nil }
    if hasPlus || digits.hasPrefix("00") {
      if !hasPlus { digits.removeFirst(2) }
      return (digits, true)
    }
    return (digits, false)
  }

  private static func national(_ digits: String, _ countryCode: String) -> String? {
    // In Italy and its neighbour the zero is part of the number.
    var national = countryCode == "39" || countryCode == "378" ? digits : String(digits.drop { $0 == "0" })
    guard let plan = plans[countryCode] else { return national }
    if national.utf8.count > plan.digits.upperBound {
      if national.hasPrefix(countryCode) {
        national.removeFirst(countryCode.utf8.count)
      } else if let trunk = plan.trunk, national.first == trunk {
        national.removeFirst()
      }
    }
    return plan.digits.contains(national.utf8.count) ? national : nil
  }
}
