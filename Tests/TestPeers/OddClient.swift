import COpenSSL

/// A TLS client that does what no client of ours would: shows any certificate, offers anything, and damages what it sends.
/// It trusts every server. One thread's, and waits where it must.
package final class OddClient {
  package struct Options {
    package var certificate: TestCertificate?
    /// Sent along: the authorities between the certificate and one that the server knows.
    package var chain: [TestCertificate] = []
    package var versions = TLS1_3_VERSION...TLS1_3_VERSION
    package var groups: String?
    package var suites: String?
    package var ciphers: String?
    package init() {}
    package init(_ change: (inout Options) -> Void) { change(&self) }
  }

  /// How a conversation goes on.
  package enum Outcome: Equatable {
    case done
    case alert(Alert)
    /// The other end has gone without a word.
    case silence
    case failed(String)
  }

  package let socket: OddSocket
  private let ssl: OpaquePointer
  private let context: OpaquePointer
  private let inbox: OpaquePointer
  private let outbox: OpaquePointer
  private let options: Options
  /// What has come so far, the last one last.
  package fileprivate(set) var alerts: [UInt8] = []
  /// Lines of what the connection's secrets are.
  fileprivate var secrets: [String] = []
  /// Each flight goes through this on its way out.
  package var damage: ([UInt8]) -> [UInt8] = { $0 }

  package init(port: Int, _ options: Options = Options()) throws {
    self.options = options
    socket = try OddSocket(port: port)
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw TestFault("no context") }
    self.context = context
    SSL_CTX_set_security_level(context, 0)
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(options.versions.lowerBound), nil)
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(options.versions.upperBound), nil)
    if let suites = options.suites, SSL_CTX_set_ciphersuites(context, suites) != 1 { throw TestFault("no suites") }
    if let ciphers = options.ciphers, SSL_CTX_set_cipher_list(context, ciphers) != 1 { throw TestFault("no ciphers") }
    if let certificate = options.certificate {
      guard SSL_CTX_use_certificate(context, certificate.pointer) == 1,
        SSL_CTX_use_PrivateKey(context, certificate.key.pointer) == 1
      else { throw TestFault("no certificate of ours") }
      for parent in options.chain where rouse_ctx_add_chain(context, parent.pointer) != 1 {
        throw TestFault("no chain")
      }
    }
    SSL_CTX_set_keylog_callback(context) { ssl, line in
      guard let ssl, let line, let owner = rouse_ssl_owner(ssl) else { return }
      Unmanaged<OddClient>.fromOpaque(owner).takeUnretainedValue().secrets.append(String(cString: line))
    }
    guard let ssl = SSL_new(context), let inbox = BIO_new(BIO_s_mem()), let outbox = BIO_new(BIO_s_mem()) else {
      throw TestFault("no memory")
    }
    (self.ssl, self.inbox, self.outbox) = (ssl, inbox, outbox)
    SSL_set_bio(ssl, inbox, outbox)
    if let groups = options.groups {
      let set = groups.withCString { SSL_ctrl(ssl, SSL_CTRL_SET_GROUPS_LIST, 0, UnsafeMutableRawPointer(mutating: $0)) }
      guard set == 1 else { throw TestFault("no groups") }
    }
    SSL_set_connect_state(ssl)
    rouse_ssl_set_owner(ssl, Unmanaged.passUnretained(self).toOpaque())
    SSL_set_info_callback(ssl) { ssl, kind, value in
      guard kind == SSL_CB_READ_ALERT, let ssl, let owner = rouse_ssl_owner(ssl) else { return }
      Unmanaged<OddClient>.fromOpaque(owner).takeUnretainedValue().alerts.append(UInt8(truncatingIfNeeded: value))
    }
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Sends what OpenSSL has written; false when the other end has gone.
  private func flush() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = BIO_read(outbox, &buffer, Int32(buffer.count))
      guard count > 0 else { return }
      socket.send(damage(Array(buffer[..<Int(count)])))
    }
  }

  private func go(on step: () -> Int32) -> Outcome {
    while true {
      ERR_clear_error()
      let result = step()
      flush()
      if result == 1 { return .done }
      switch SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ:
        switch socket.receive() {
        case .bytes(let bytes): BIO_write(inbox, bytes, Int32(bytes.count))
        case .end, .reset: return .silence
        case .nothing: return .failed("nothing came")
        }
      case SSL_ERROR_ZERO_RETURN: return .alert(.closeNotify)
      default:
        let reason = TestFault("TLS")
        if let last = alerts.last, last != 0, let alert = Alert(rawValue: last) { return .alert(alert) }
        return .failed(reason.description)
      }
    }
  }

  package func handshake() -> Outcome { go { SSL_do_handshake(ssl) } }

  package func write(_ text: String) -> Outcome {
    let bytes = Array(text.utf8)
    return go {
      var written = 0
      return SSL_write_ex(ssl, bytes, bytes.count, &written)
    }
  }

  /// What comes first: bytes, or the end.
  package func read() -> (text: String, outcome: Outcome) {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var count = 0
    let outcome = go { SSL_read_ex(ssl, &bytes, bytes.count, &count) }
    return (String(decoding: bytes[..<count], as: UTF8.self), outcome)
  }

  /// Shakes hands, asks, and tells what came of it. A refused certificate shows only here: on TLS 1.3 a client's own
  /// handshake is done before the server has looked at it.
  package func ask(_ line: String) -> (text: String, outcome: Outcome) {
    let shaken = handshake()
    guard shaken == .done else { return ("", shaken) }
    _ = write(line + "\n")
    return read()
  }

  /// After a TLS 1.3 handshake with `TLS_AES_128_GCM_SHA256`: writes records in place of this client, from the first.
  package func recordWriter() throws -> RecordWriter {
    let label = "CLIENT_TRAFFIC_SECRET_0 "
    guard let line = secrets.last(where: { $0.hasPrefix(label) }), let digits = line.split(separator: " ").last else {
      throw TestFault("no secret")
    }
    let values = digits.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue.map(UInt8.init) }
    return RecordWriter(secret: (0..<values.count / 2).map { values[$0 * 2] << 4 | values[$0 * 2 + 1] })
  }

  /// How many certificates the server has sent.
  package var chainLength: Int { Int(OPENSSL_sk_num(SSL_get_peer_cert_chain(ssl))) }

  /// TLS 1.2: asks to shake hands again.
  package func renegotiate() -> Outcome {
    SSL_renegotiate(ssl)
    let outcome = go { SSL_do_handshake(ssl) }
    return outcome
  }

  package func sayGoodbye() {
    SSL_shutdown(ssl)
    flush()
  }
}
