import Foundation
import Glibc
import RouseCore
import RouseTLS

/// New certificates for a home that `rouse-server init` made. Its authority's key was never kept, so a renewal is a new
/// authority with a new server's and client's certificate; the old authority stays in the file of those that are trusted
/// until it ends, and with it every client certificate that it issued.
package struct HomeRenewal {
  /// What is done.
  package enum Step: Sendable, Equatable {
    /// All at once, or what was announced.
    case renew
    /// The next set is made and trusted, but not used: its authority can be handed to clients first.
    case announce
  }

  /// What was done, a line each.
  package private(set) var lines: [String] = []

  private let home: String
  private let configuration: Configuration
  private let now: Int64
  private let authority: CertificateChain
  private let server: CertificateChain
  /// nil: the home has none (any more).
  private let client: CertificateChain?

  private var clientFile: String { home + "/tls/client.pem" }
  private var clientKeyFile: String { home + "/tls/client.key" }
  /// The set that was announced.
  private var nextFolder: String { home + "/tls/next" }

  /// Reads the home, and refuses one whose certificates it did not issue.
  /// - Parameter now: seconds since 1970.
  package init(home: String, now: Int64) throws(ConfigurationError) {
    self.home = home
    self.now = now
    configuration = try Configuration.read(file: home + "/server.yaml")
    let tls = configuration.tls
    guard let authorityFile = tls.clientCAFile else {
      throw ConfigurationError(
        "\(home)/server.yaml: names no tls.client_ca, so this home's certificates are not from rouse-server init; renew them where they come from"
      )
    }
    do throws(TLSError) {
      authority = try CertificateChain(file: authorityFile)
      server = try CertificateChain(file: tls.certificateChainFile)
      client =
        FileManager.default.fileExists(atPath: home + "/tls/client.pem")
        ? try CertificateChain(file: home + "/tls/client.pem") : nil
    } catch {
      throw ConfigurationError("\(error)")
    }
    // Others' authorities may stand beside ours: they and their clients stay. What they have issued is theirs to renew.
    for chain in [server, client].compactMap(\.self)
    where chain.facts.count != 1 || !chain.isIssued(by: authority, where: Self.isOurs) {
      throw foreign(
        chain.file, "was not issued by an authority in \(authorityFile) (issuer: \(chain.facts[0].issuer))")
    }
    guard tls.clientCRLFile == nil else {
      throw ConfigurationError(
        "\(home)/server.yaml: has a client_crl, and nobody could sign one for the new authority; remove it first")
    }
  }

  private static func isOurs(_ facts: CertificateChain.Facts) -> Bool {
    facts.isAuthority && facts.isOwn && facts.subject.hasPrefix("CN=" + HomeCertificates.authorityPrefix)
  }

  private func foreign(_ file: String, _ what: String) -> ConfigurationError {
    ConfigurationError("\(file): \(what); nothing was renewed: get the next one from whoever issued it")
  }

  /// Whether the server's or the client's certificate ends within so many days.
  package func ends(withinDays days: Int) -> Bool {
    let (limit, isOver) = now.addingReportingOverflow(Int64(days) &* Moment.day)
    return isOver || [server, client].compactMap(\.self).contains { $0.facts[0].notAfter <= limit }
  }

  /// When the first of the certificates in use ends, as it is written everywhere.
  package var firstEnd: String {
    Moment.format([server, client].compactMap(\.self).map(\.facts[0].notAfter).min() ?? server.facts[0].notAfter)
  }

  package mutating func run(_ step: Step) throws(ConfigurationError) {
    let isAnnounced = FileManager.default.fileExists(atPath: nextFolder + "/server.pem")
    switch step {
    case .announce:
      guard !isAnnounced else {
        throw ConfigurationError(
          "\(nextFolder): the next certificates are announced already; rouse-server renew \(home) takes them into use")
      }
      try announce(try issue())
    case .renew:
      try isAnnounced ? takeAnnounced() : replaceAll(try issue())
    }
  }

  // MARK: - Steps

  private func issue() throws(ConfigurationError) -> HomeCertificates.Issued {
    do throws(TLSError) {
      return try HomeCertificates.make(
        now: now, days: Home.certificateDays, serverNames: server.facts[0].dnsNames,
        serverAddresses: server.facts[0].ipAddresses)
    } catch {
      throw ConfigurationError("\(error)")
    }
  }

  private mutating func replaceAll(_ issued: HomeCertificates.Issued) throws(ConfigurationError) {
    try trust(issued.caPEM)
    try use(
      Leaves(
        server: issued.serverPEM, serverKey: issued.serverKeyPEM, client: issued.clientPEM,
        clientKey: issued.clientKeyPEM))
    lines.append("clients on other machines need the new \(authority.file), or they will refuse the server")
  }

  private mutating func announce(_ issued: HomeCertificates.Issued) throws(ConfigurationError) {
    let files: [(name: String, bytes: [UInt8], mode: mode_t)] = [
      ("client.key", issued.clientKeyPEM, 0o600), ("client.pem", issued.clientPEM, 0o644),
      ("server.key", issued.serverKeyPEM, 0o600), ("server.pem", issued.serverPEM, 0o644),
    ]
    var folder = stat()
    guard mkdir(nextFolder, 0o700) == 0 || errno == EEXIST, stat(home + "/tls", &folder) == 0 else {
      throw ConfigurationError("\(nextFolder): cannot be made: \(String(cString: strerror(errno)))")
    }
    if geteuid() == 0 { _ = chown(nextFolder, folder.st_uid, folder.st_gid) }
    // The authority first: what it has issued is of use only then. The server's certificate last: it says that all is there.
    try trust(issued.caPEM)
    for (name, bytes, mode) in files {
      try Self.failing { () throws(FileReplacement.Failed) in
        try FileReplacement("\(nextFolder)/\(name)", bytes, mode: mode).commit()
      }
    }
    lines.append("\(nextFolder): the next certificates, not in use yet")
    lines.append("give \(authority.file) to the clients on other machines, then: rouse-server renew \(home)")
  }

  private mutating func takeAnnounced() throws(ConfigurationError) {
    let next: CertificateChain
    var bytes: [[UInt8]] = []
    do throws(TLSError) {
      next = try CertificateChain(file: nextFolder + "/server.pem")
      try next.checkKey(file: nextFolder + "/server.key")
    } catch {
      throw ConfigurationError("\(error)")
    }
    guard next.isIssued(by: authority), next.facts[0].notAfter > now else {
      throw ConfigurationError(
        "\(nextFolder): was announced too long ago, or its authority is no longer in \(authority.file); remove the folder, and renew anew"
      )
    }
    for name in ["server.pem", "server.key", "client.pem", "client.key"] {
      bytes.append(try readFile("\(nextFolder)/\(name)", what: "a file of the next set", remedy: "remove the folder"))
    }
    try use(Leaves(server: bytes[0], serverKey: bytes[1], client: bytes[2], clientKey: bytes[3]))
    for name in ["server.pem", "server.key", "client.pem", "client.key"] { unlink("\(nextFolder)/\(name)") }
    rmdir(nextFolder)
  }

  // MARK: - Files

  /// What is used, once its authority is trusted: PEM files.
  private struct Leaves {
    let server: [UInt8]
    let serverKey: [UInt8]
    let client: [UInt8]
    let clientKey: [UInt8]
  }

  /// Trusts a new authority beside those that have not ended.
  private mutating func trust(_ new: [UInt8]) throws(ConfigurationError) {
    let now = now
    let isKept: (CertificateChain.Facts) -> Bool = { $0.notAfter > now || !Self.isOurs($0) }
    let kept = authority.facts.filter(isKept)
    do {
      let old = try authority.pem(isKept)
      try FileReplacement(authority.file, new + old).commit()
    } catch {
      throw ConfigurationError("\(error)")
    }
    let names = kept.map { "\($0.name) until \(Moment.format($0.notAfter))" }
    lines.append(
      "\(authority.file): a new authority" + (names.isEmpty ? "" : "; still trusted: \(names.joined(separator: ", "))"))
  }

  /// All are written before the first takes its place. A server that reads between two of them refuses what does not
  /// belong together, keeps the old, and reads again.
  private mutating func use(_ new: Leaves) throws(ConfigurationError) {
    let tls = configuration.tls
    let hasClient = client != nil
    try Self.failing { () throws(FileReplacement.Failed) in
      let key = try FileReplacement(tls.privateKeyFile, new.serverKey, mode: 0o600)
      let certificate = try FileReplacement(tls.certificateChainFile, new.server)
      if hasClient {
        let clientKey = try FileReplacement(clientKeyFile, new.clientKey, mode: 0o600)
        let clientCertificate = try FileReplacement(clientFile, new.client)
        try clientKey.commit()
        try clientCertificate.commit()
      }
      try key.commit()
      try certificate.commit()
    }
    for (old, isThere) in [(server, true), (client ?? server, client != nil)] where isThere {
      let end: Int64
      do throws(TLSError) {
        end = try CertificateChain(file: old.file).facts[0].notAfter
      } catch {
        throw ConfigurationError("\(error)")
      }
      lines.append("\(old.file): ends \(Moment.format(end)); the old one: \(Moment.format(old.facts[0].notAfter))")
    }
    lines.append("a server that runs takes them over by itself")
  }

  private static func failing(
    _ body: () throws(FileReplacement.Failed) -> Void
  ) throws(ConfigurationError) {
    do throws(FileReplacement.Failed) {
      try body()
    } catch {
      throw ConfigurationError("\(error); run it as root, or as the user to whom the home belongs")
    }
  }
}
