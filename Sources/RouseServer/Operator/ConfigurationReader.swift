import Foundation
import RouseCore
import RouseLedger
import RousePolicy
import RouseTLS

extension Configuration {
  /// Reads and checks `server.yaml`, and the tokens that it names.
  /// - Parameter forTokens: only the tokens are asked for, and the first of them may be about to be made: their file is
  ///   not read, and nobody has to be known.
  package static func read(file: String, forTokens: Bool = false) throws(ConfigurationError) -> Configuration {
    let bytes = try readFile(file, what: "the configuration", remedy: "rouse-server init DIR makes one")
    let read: Configuration?
    var faults: [String] = []
    do throws(PolicyDiagnostics) {
      let document = try Document.parse(yaml: bytes)
      let report = Report()
      let reader = ConfigurationReader(
        folder: (file as NSString).deletingLastPathComponent, report: report, forTokens: forTokens)
      (read, faults) = reader.read(document)
      try report.finish()
    } catch {
      throw ConfigurationError(lines: ConfigurationError(configuration: error, file: file).lines + faults)
    }
    guard var read, faults.isEmpty else {
      throw ConfigurationError(lines: faults.isEmpty ? ["\(file): the configuration cannot be read"] : faults)
    }
    read.sha256 = hexadecimal(RouseCore.sha256(bytes))
    return read
  }
}

/// The whole of a file, or one line that says why not.
func readFile(_ path: String, what: String, remedy: String) throws(ConfigurationError) -> [UInt8] {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    throw ConfigurationError("\(path): \(what) is not there; \(remedy)")
  }
  guard !isFolder.boolValue else { throw ConfigurationError("\(path): \(what) is a file, and this is a folder") }
  guard let data = FileManager.default.contents(atPath: path) else {
    throw ConfigurationError("\(path): \(what) cannot be read; check its permissions")
  }
  return Array(data)
}

private struct ConfigurationReader {
  let folder: String
  let report: Report
  let forTokens: Bool

  /// The configuration, unless the report or the second value says what is wrong: lines about another file.
  func read(_ document: Document) -> (Configuration?, faults: [String]) {
    let optional = [
      "policy_approval", "identities", "tokens", "limits", "drain_seconds", "log_level", "log_format",
      "log_user_id_key", "audit", "ledger", "metrics",
    ]
    guard let top = document.settings(needed: ["listen", "policy", "tls"], optional: optional, report: report) else {
      return (nil, [])
    }
    var listen: Address?
    if let text = top.text("listen") {
      listen = Address(text)
      if listen == nil {
        top["listen"]?.refuse(
          .value, "listen is HOST:PORT, like 127.0.0.1:7411 or \"[::1]:7411\"; port 0 takes any free one")
      }
    }
    let policy = path(top["policy"])
    let approval =
      top["policy_approval"] == nil
      ? .notRequired : top["policy_approval"]?.choice(of: Configuration.PolicyApproval.self)
    let tls = readTLS(top["tls"])
    let identities = readIdentities(top["identities"])
    let tokensFile = path(top["tokens"])
    let limits = readLimits(top["limits"])
    let drain = top["drain_seconds"] == nil ? 10 : top.whole("drain_seconds", in: 0...3600)
    let level = top["log_level"] == nil ? .info : top["log_level"]?.choice(of: Configuration.LogLevel.self)
    let format = top["log_format"] == nil ? .text : top["log_format"]?.choice(of: LogFormat.self)
    let pseudonyms = readPseudonyms(top["log_user_id_key"])
    let audit = path(top["audit"])
    let ledger = readLedger(top["ledger"])
    var metrics: Address?
    if let text = top.text("metrics") {
      metrics = Address(text)
      if metrics == nil {
        top["metrics"]?.refuse(.value, "metrics is HOST:PORT, like 127.0.0.1:9464; port 0 takes any free one")
      }
    }
    var tokens = Tokens()
    if let tokensFile, !forTokens {
      do throws(ConfigurationError) {
        tokens = try TokenFile(path: tokensFile).read(besides: identities.map(\.name))
      } catch {
        return (nil, error.lines)
      }
    }
    guard let listen, let policy, let approval, let tls, let limits, let drain, let level, let format else {
      return (nil, [])
    }
    var read = Configuration(
      listen: listen, policyFile: policy, tls: tls, identities: identities, tokensFile: tokensFile, tokens: tokens,
      limits: limits, drainSeconds: drain, logLevel: level)
    read.policyApproval = approval
    read.logFormat = format
    read.pseudonyms = pseudonyms
    read.auditFile = audit
    read.ledger = ledger
    read.metrics = metrics
    if !listen.isLoopback, !read.knowsSomebody, !forTokens {
      top["listen"]?.refuse(
        .value,
        "off loopback (127.0.0.1, ::1) the server needs at least one of identities, or a token (rouse-server token add), "
          + "or anyone could ask it")
    }
    return (read, [])
  }

  /// The message does not repeat the key, or what was meant to be one.
  private func readPseudonyms(_ setting: Setting?) -> Pseudonyms? {
    guard let setting else { return nil }
    guard case .scalar(let scalar) = setting.node.content, let read = Pseudonyms(hexadecimal: scalar.text) else {
      setting.refuse(.value, "log_user_id_key is 64 hexadecimal digits in quotes; openssl rand -hex 32 makes them")
      return nil
    }
    return read
  }

  private func path(_ setting: Setting?) -> String? {
    guard let setting, let text = setting.text() else { return nil }
    guard !text.isEmpty else {
      setting.refuse(.value, "a file's path belongs here")
      return nil
    }
    return text.hasPrefix("/") || folder.isEmpty ? text : folder + "/" + text
  }

  private func readLedger(_ setting: Setting?) -> Ledger.Settings? {
    guard let read = setting?.settings(needed: ["file"], optional: ["plan_ttl_hours", "retention_days"]),
      let file = path(read["file"])
    else { return nil }
    var settings = Ledger.Settings(file: file)
    if read["plan_ttl_hours"] != nil, let hours = read.whole("plan_ttl_hours", in: 1...(24 * 400)) {
      settings.leaseSeconds = Int64(hours) * 3600
    }
    for member in read["retention_days"]?.members() ?? [] {
      switch member.key {
      case "events": if let days = Self.days(member) { settings.retention.events = days }
      case "plans": if let days = Self.days(member) { settings.retention.plans = days }
      default:
        if member.isNull {
          settings.retention.byKind[member.key] = .some(nil)
        } else if let days = member.whole(in: Self.days) {
          settings.retention.byKind[member.key] = .some(days)
        }
      }
    }
    // Caps and gaps look back as far as a policy may ask.
    if let days = settings.retention.days(.contact), days < Self.leastContactDays {
      read["retention_days"]?.refuse(
        .value, "contacts are kept at least \(Self.leastContactDays) days, for gap_days and last_contact_days")
    }
    return settings
  }
  /// null: for ever, which is a century.
  private static func days(_ setting: Setting) -> Int? {
    setting.isNull ? days.upperBound : setting.whole(in: days)
  }

  private static let leastContactDays = 366
  private static let days = 1...36_500

  private func readTLS(_ setting: Setting?) -> TLSServerSettings? {
    let optional = ["client_ca", "client_crl", "client_certificate", "minimum_version"]
    guard let tls = setting?.settings(needed: ["certificate", "key"], optional: optional) else { return nil }
    let certificate = path(tls["certificate"])
    let key = path(tls["key"])
    let authority = path(tls["client_ca"])
    let revocations = path(tls["client_crl"])
    let fallback: ClientCertificatePolicy = authority == nil ? .none : .requested
    let asks =
      tls["client_certificate"] == nil ? fallback : tls["client_certificate"]?.choice(of: ClientCertificatePolicy.self)
    let version = tls["minimum_version"] == nil ? .tls13 : readVersion(tls["minimum_version"])
    guard let certificate, let key, let asks, let version else { return nil }
    if asks != .none, authority == nil, tls["client_ca"] == nil {
      tls["client_certificate"]?.refuse(.value, "client certificates are checked against client_ca, which is missing")
      return nil
    }
    if asks == .none, tls["client_crl"] != nil {
      tls["client_crl"]?.refuse(
        .value, "client_crl is for client certificates, and none are asked for; give client_ca, or remove this")
      return nil
    }
    return TLSServerSettings(
      certificateChainFile: certificate, privateKeyFile: key, clientCAFile: authority, clientCRLFile: revocations,
      clientCertificate: asks, minimumVersion: version)
  }

  /// `1.3`, quoted or not.
  private func readVersion(_ setting: Setting?) -> TLSVersion? {
    guard case .scalar(let scalar)? = setting?.node.content, let version = TLSVersion(rawValue: scalar.text) else {
      setting?.refuse(.value, "minimum_version is 1.3, or 1.2 for peers that cannot do better")
      return nil
    }
    return version
  }

  private func readIdentities(_ setting: Setting?) -> [Configuration.Identity] {
    guard let members = setting?.members() else { return [] }
    return members.compactMap { member in
      guard let identity = member.settings(needed: ["certificate", "roles"], optional: ["requests_per_second"])
      else { return nil }
      let roles = Configuration.roles(identity["roles"])
      guard let text = identity.text("certificate") else { return nil }
      guard let match = match(text) else {
        identity["certificate"]?.refuse(
          .value, "certificate is dns:NAME, uri:URI, email:ADDRESS (from its subject alternative names) or cn:NAME")
        return nil
      }
      let rate =
        identity["requests_per_second"] == nil ? nil : identity.whole("requests_per_second", in: Self.rates)
      return Configuration.Identity(name: member.key, match: match, roles: roles, requestsPerSecond: rate)
    }
  }

  private func match(_ text: String) -> Configuration.Identity.Match? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let value = String(text[text.index(after: colon)...])
    guard !value.isEmpty else { return nil }
    switch text[..<colon] {
    case "dns": return .dns(value)
    case "uri": return .uri(value)
    case "email": return .email(value)
    case "cn": return .commonName(value)
    default: return nil
    }
  }

  private static let rates = 1...10_000_000

  private func readLimits(_ setting: Setting?) -> Configuration.Limits? {
    var limits = Configuration.Limits()
    guard let setting else { return limits }
    guard let read = setting.settings(needed: [], optional: limits.all.map(\.name)) else { return nil }
    func set(_ key: String, _ range: ClosedRange<Int>, _ field: WritableKeyPath<Configuration.Limits, Int>) {
      if read[key] != nil, let value = read.whole(key, in: range) { limits[keyPath: field] = value }
    }
    set("line_bytes", 1024...(64 << 20), \.lineBytes)
    set("inline_candidates", 1...1_000_000, \.inlineCandidates)
    set("stream_candidates", 1...1_000_000_000, \.streamCandidates)
    set("in_flight", 1...10_000, \.inFlight)
    set("connections", 1...1_000_000, \.connections)
    if read["stranger_connections"] != nil {
      limits.strangers = read.whole("stranger_connections", in: 1...1_000_000)
    }
    set("queued_requests", 1...1_000_000, \.queuedRequests)
    set("rank_bytes", (1 << 20)...999_999_999_999_999, \.rankBytes)
    limits.unfinishedBytes = max(limits.unfinishedBytes, 4 * limits.lineBytes)
    set("unfinished_bytes", (1 << 20)...(1 << 40), \.unfinishedBytes)
    if limits.unfinishedBytes < 4 * limits.lineBytes {
      read["unfinished_bytes"]?.refuse(
        .value, "unfinished_bytes is at least four times line_bytes, or the longest line might never come in whole")
    }
    if read["requests_per_second"] != nil {
      limits.requestsPerSecond = read.whole("requests_per_second", in: Self.rates)
    }
    set("handshake_seconds", 1...3600, \.handshakeSeconds)
    set("partial_line_seconds", 1...86_400, \.partialLineSeconds)
    set("idle_seconds", 1...86_400, \.idleSeconds)
    set("write_stalled_seconds", 1...86_400, \.writeStalledSeconds)
    return limits
  }
}
