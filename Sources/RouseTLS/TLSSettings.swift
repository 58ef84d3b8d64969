/// The oldest TLS version to be spoken; the newest is always 1.3.
package enum TLSVersion: String, Sendable, Equatable, CaseIterable {
  case tls12 = "1.2"
  case tls13 = "1.3"
}

/// What a server asks of its clients. A certificate that is given is always verified.
package enum ClientCertificatePolicy: String, Sendable, Equatable, CaseIterable {
  case none
  case requested
  case required
}

/// The files and the policy of a server's TLS. Paths are used as they are; PEM throughout.
package struct TLSServerSettings: Sendable, Equatable {
  /// The server's certificate first, then its intermediates.
  package var certificateChainFile: String
  package var privateKeyFile: String
  /// The authorities that client certificates must come from. Needed unless `clientCertificate` is `.none`.
  package var clientCAFile: String?
  /// The revocation lists of those authorities, and of the intermediates that clients send along; nil: none is asked for.
  package var clientCRLFile: String?
  package var clientCertificate: ClientCertificatePolicy
  package var minimumVersion: TLSVersion

  package init(
    certificateChainFile: String, privateKeyFile: String, clientCAFile: String? = nil, clientCRLFile: String? = nil,
    clientCertificate: ClientCertificatePolicy = .none, minimumVersion: TLSVersion = .tls13
  ) {
    self.certificateChainFile = certificateChainFile
    self.privateKeyFile = privateKeyFile
    self.clientCAFile = clientCAFile
    self.clientCRLFile = clientCRLFile
    self.clientCertificate = clientCertificate
    self.minimumVersion = minimumVersion
  }

  /// The files whose change calls for a new context.
  package var files: [String] {
    [certificateChainFile, privateKeyFile, clientCAFile, clientCRLFile].compactMap(\.self)
  }
}

/// The files of a client's TLS, PEM throughout.
package struct TLSClientSettings: Sendable, Equatable {
  /// The authorities to trust; nil means those of the system.
  package var caFile: String?
  /// The client's own certificate and key; both or neither.
  package var certificateFile: String?
  package var keyFile: String?
  /// The name or address the server's certificate must carry, when it is another than the one connected to.
  package var serverName: String?

  package init(
    caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, serverName: String? = nil
  ) {
    self.caFile = caFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.serverName = serverName
  }
}
