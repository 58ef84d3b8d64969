import Foundation
import RouseCore
import RouseLedger
import RousePolicy
import RouseTLS

/// What the operator has set: `server.yaml`. Paths in it are relative to the file.
package struct Configuration: Sendable {
  package var listen: Address
  package var policyFile: String
  /// What it takes for a policy to become live.
  package var policyApproval = PolicyApproval.notRequired
  package var tls: TLSServerSettings
  package var identities: [Identity]
  /// What `rouse-server token` writes; nil: no tokens are taken.
  package var tokensFile: String?
  package var tokens = Tokens()
  package var limits: Limits
  /// Seconds that open requests are given when the server stops.
  package var drainSeconds: Int
  package var logLevel: LogLevel
  package var logFormat = LogFormat.text
  /// What users are called in logs; nil: not at all.
  package var pseudonyms: Pseudonyms?
  /// Where the audit log stands; nil: there is none.
  package var auditFile: String?
  /// Where the operator's port listens, in plain HTTP; nil: there is none.
  package var metrics: Address?
  /// What lasts; nil: nothing is kept.
  package var ledger: Ledger.Settings?
  /// SHA-256 of the file, as `sha256sum` prints it.
  package var sha256 = ""

  package enum LogLevel: String, Sendable, CaseIterable {
    case debug, info, warning, error
  }

  package enum PolicyApproval: String, Sendable, CaseIterable {
    /// One with the role tune.
    case notRequired = "none"
    /// Another one with that role than who put it forward.
    case required
  }

  /// What a peer may use without having been given more (protocol, limits).
  package struct Limits: Sendable, Equatable {
    package var lineBytes = 1 << 20
    package var inlineCandidates = 1000
    package var streamCandidates = 20_000_000
    package var inFlight = 64
    /// Lines that have begun and not ended share so many bytes beyond what each connection has.
    package var unfinishedBytes = 64 << 20
    /// Requests that may wait for a thread.
    package var queuedRequests = 256
    /// What the candidates of all open ranks may take: half of the machine's memory.
    package var rankBytes = min(8 << 30, Int(clamping: ProcessInfo.processInfo.physicalMemory / 2))
    /// Of each identity that has no rate of its own; nil: as many as they like.
    package var requestsPerSecond: Int?
    package var connections = 1024
    /// Places that connections without an identity keep when all are taken; nil: a quarter.
    package var strangers: Int?
    package var strangerConnections: Int { strangers ?? max(1, connections / 4) }
    package var handshakeSeconds = 5
    package var partialLineSeconds = 30
    package var idleSeconds = 300
    package var writeStalledSeconds = 60

    package init() {}

    /// Names as they stand in `server.yaml` and in `info`.
    package var all: [(name: String, value: Int?)] {
      [
        ("line_bytes", lineBytes), ("inline_candidates", inlineCandidates), ("stream_candidates", streamCandidates),
        ("in_flight", inFlight), ("connections", connections),
        ("stranger_connections", strangerConnections), ("unfinished_bytes", unfinishedBytes),
        ("queued_requests", queuedRequests), ("rank_bytes", rankBytes), ("requests_per_second", requestsPerSecond),
        ("handshake_seconds", handshakeSeconds),
        ("partial_line_seconds", partialLineSeconds), ("idle_seconds", idleSeconds),
        ("write_stalled_seconds", writeStalledSeconds),
      ]
    }
  }

  /// A peer that the operator knows, by its certificate, and what it may do.
  package struct Identity: Sendable {
    package enum Match: Sendable, Equatable {
      case dns(String)
      case uri(String)
      case email(String)
      case commonName(String)
    }
    package var name: String
    package var match: Match
    package var roles: Set<Role>
    /// In place of the limits' rate.
    package var requestsPerSecond: Int?

    package func matches(_ peer: PeerIdentity) -> Bool {
      switch match {
      case .dns(let name): peer.dnsNames.contains { same($0.asciiLowercased, name.asciiLowercased) }
      case .uri(let uri): peer.uris.contains { same($0, uri) }
      case .email(let email): peer.emails.contains { same($0, email) }
      case .commonName(let name): peer.subjectCommonName.map { same($0, name) } ?? false
      }
    }

    private func same(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
  }

  package enum Role: String, Sendable, CaseIterable {
    case score, record, tune, admin
  }

  /// Somebody could have a role: without that, only this machine may ask.
  package var knowsSomebody: Bool { !identities.isEmpty || !tokens.isEmpty }
}

/// Where to listen.
package struct Address: Sendable, Equatable, CustomStringConvertible {
  package var host: String
  package var port: Int

  /// `HOST:PORT`, `[::1]:PORT`.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port)
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty else { return nil }
    self.host = host
    self.port = port
  }

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only this machine can reach it.
  package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}

/// A mistake of the operator: lines for standard error, each naming the place and the remedy. The exit code is 2.
package struct ConfigurationError: Error, Equatable {
  package let lines: [String]

  package init(_ line: String) { lines = [line] }
  init(lines: [String]) { self.lines = lines }
  package init(_ diagnostics: PolicyDiagnostics, file: String) { lines = diagnostics.all.map { $0.line(file: file) } }

  /// A mistyped key of `server.yaml` is one mistake, and one line: that the right one is missing goes without saying.
  init(configuration diagnostics: PolicyDiagnostics, file: String) {
    let mistyped = diagnostics.all.filter { $0.kind == .unknownKey }.map(\.message)
    lines = diagnostics.all.filter { diagnostic in
      let key = diagnostic.path.split(separator: ".").last ?? ""
      return diagnostic.kind != .missingKey || !mistyped.contains { $0.contains("did you mean '\(key)'") }
    }.map { $0.line(file: file) }
  }
}
