import Testing

@testable import RouseServer

@Suite struct PseudonymTests {
  private static let key = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

  /// As `openssl dgst -sha256 -mac HMAC -macopt hexkey:…` says.
  @Test func areHalvesOfTheHMAC() throws {
    let pseudonyms = try #require(Pseudonyms(hexadecimal: Self.key))
    #expect(pseudonyms.pseudonym(of: Array("u05".utf8)) == "35cfd6e1da87cd80")
    #expect(pseudonyms.pseudonym(of: []) == "d38b42096d80f45f")
    #expect(pseudonyms.pseudonym(of: "u05".utf8) == Array("u05".utf8).withUnsafeBytes { pseudonyms.pseudonym(of: $0) })
    let other = try #require(Pseudonyms(hexadecimal: String(repeating: "0", count: 64)))
    #expect(other.pseudonym(of: "u05".utf8) != pseudonyms.pseudonym(of: "u05".utf8))
  }

  @Test(arguments: ["", "00", key + "0", key + "00", String(key.dropLast()) + "g", String(key.dropLast()) + " "])
  func otherKeysAreNone(_ text: String) {
    #expect(Pseudonyms(hexadecimal: text) == nil)
  }

  @Test func theKeyIsNeverPrinted() throws {
    let pseudonyms = try #require(Pseudonyms(hexadecimal: Self.key))
    var dumped = ""
    dump(pseudonyms, to: &dumped)
    #expect("\(pseudonyms)" == "pseudonyms" && String(reflecting: pseudonyms) == "pseudonyms")
    #expect(dumped == "- pseudonyms\n")
  }
}
