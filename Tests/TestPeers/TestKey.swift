import COpenSSL

/// What in OpenSSL a test could not do: never the code that is tested.
package struct TestFault: Error, CustomStringConvertible {
  package let description: String

  package init(_ what: String) {
    let reason = ERR_reason_error_string(ERR_get_error()).map { String(cString: $0) }
    ERR_clear_error()
    description = what + (reason.map { ": \($0)" } ?? "")
  }
}

/// A key pair of any strength.
package final class TestKey {
  let pointer: OpaquePointer
  init(adopting pointer: OpaquePointer) { self.pointer = pointer }
  deinit { EVP_PKEY_free(pointer) }

  package enum Kind: Sendable {
    case p256, p192, p384, p521, secp256k1, ed25519
    case rsa(bits: Int32)
  }

  package init(_ kind: Kind) throws {
    let algorithm =
      switch kind {
      case .rsa: EVP_PKEY_RSA
      case .ed25519: EVP_PKEY_ED25519
      default: EVP_PKEY_EC
      }
    guard let context = EVP_PKEY_CTX_new_id(algorithm, nil) else { throw TestFault("no key context") }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_keygen_init(context) == 1 else { throw TestFault("no key generator") }
    let set =
      switch kind {
      case .ed25519: Int32(1)
      case .rsa(let bits): EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits)
      case .p192: EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime192v1)
      case .p256: EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
      case .p384: EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_secp384r1)
      case .p521: EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_secp521r1)
      case .secp256k1: EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_secp256k1)
      }
    var made: OpaquePointer?
    guard set == 1, EVP_PKEY_generate(context, &made) == 1, let made else { throw TestFault("no key") }
    pointer = made
  }

  /// The public half of this P-256 key with the private half of another: what it signs, its own certificate disowns.
  package func withPrivateHalf(of other: TestKey) throws -> TestKey {
    guard let mixed = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1) else { throw TestFault("no key") }
    defer { EC_KEY_free(mixed) }
    guard let own = EVP_PKEY_get0_EC_KEY(pointer), let others = EVP_PKEY_get0_EC_KEY(other.pointer),
      EC_KEY_set_public_key(mixed, EC_KEY_get0_public_key(own)) == 1,
      EC_KEY_set_private_key(mixed, EC_KEY_get0_private_key(others)) == 1, let key = EVP_PKEY_new()
    else { throw TestFault("no halves of a key") }
    guard EVP_PKEY_set1_EC_KEY(key, mixed) == 1 else { throw TestFault("no key of two halves") }
    return TestKey(adopting: key)
  }
}
