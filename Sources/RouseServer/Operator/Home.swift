import Foundation
import RousePolicy
import RouseTLS
import RouseWire

/// A folder from which a server runs at once: configuration, policy, certificates and a client's profile.
package enum Home {
  package static let certificateDays = 90

  /// Makes the home. Nothing that is there is overwritten: if any of its files exists, nothing is made at all.
  /// - Parameters:
  ///   - state: the folder of what the server itself writes (policy, ledger, audit log), if it is another.
  ///   - hosts: names and addresses by which clients reach the server, beside those of this machine to itself.
  /// - Returns: the paths of the files made.
  package static func make(
    at folder: String, state: String? = nil, hosts: [String] = [], now: Int64
  ) throws(ConfigurationError) -> [String] {
    let issued: HomeCertificates.Issued
    do throws(TLSError) {
      issued = try HomeCertificates.make(
        now: now, days: certificateDays, serverNames: ["localhost"] + hosts.filter { !isAddress($0) },
        serverAddresses: ["127.0.0.1", "::1"] + hosts.filter(isAddress))
    } catch {
      throw ConfigurationError("\(error)")
    }
    let there = state ?? folder
    let files: [(path: String, bytes: [UInt8], mode: Int)] = [
      ("\(folder)/server.yaml", Array(serverYAML(logUserIDKey: randomKey(), state: state).utf8), 0o600),
      ("\(there)/policy.yaml", Array(HomePolicy.text.utf8), 0o644),
      ("\(folder)/client.yaml", Array(clientYAML.utf8), 0o644), ("\(folder)/tls/ca.pem", issued.caPEM, 0o644),
      ("\(folder)/tls/server.pem", issued.serverPEM, 0o644),
      ("\(folder)/tls/server.key", issued.serverKeyPEM, 0o600),
      ("\(folder)/tls/client.pem", issued.clientPEM, 0o644),
      ("\(folder)/tls/client.key", issued.clientKeyPEM, 0o600),
    ]
    for (path, _, _) in files where FileManager.default.fileExists(atPath: path) {
      throw ConfigurationError("\(path): is there already, and init overwrites nothing; choose another folder")
    }
    for path in [folder + "/tls", there] {
      do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      } catch {
        throw ConfigurationError("\(path): the folder cannot be made; check the path and its permissions")
      }
    }
    var made: [String] = []
    do throws(ConfigurationError) {
      for (path, bytes, mode) in files {
        made.append(path)
        try create(path, bytes, mode)
      }
    } catch {
      // A full disk leaves no half of a home. What could not be made is not ours to remove.
      for path in made.dropLast() { unlink(path) }
      throw error
    }
    return files.map(\.path)
  }

  private static func isAddress(_ host: String) -> Bool {
    var space = in6_addr()
    return inet_pton(AF_INET, host, &space) == 1 || inet_pton(AF_INET6, host, &space) == 1
  }

  /// Made with its mode from the start, so a key is never readable by others; fails if the file is there.
  private static func create(_ path: String, _ bytes: [UInt8], _ mode: Int) throws(ConfigurationError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
    guard descriptor >= 0 else {
      throw ConfigurationError("\(path): cannot be made: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    guard writeAll(bytes, to: descriptor) else {
      unlink(path)
      throw ConfigurationError("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
  }

  /// 64 hexadecimal digits from the system's source of secrets.
  private static func randomKey() -> String {
    var source = SystemRandomNumberGenerator()
    return hexadecimal((0..<Pseudonyms.keySize).map { _ in UInt8.random(in: 0...255, using: &source) })
  }

  private static func serverYAML(logUserIDKey: String, state: String?) -> String {
    // A JSON text is a YAML text too, whatever the path holds.
    let paths = ["policy.yaml", "audit.ndjson", "ledger.sqlite"].map { name in
      state.map { JSONText.quoted("\($0)/\(name)") } ?? name
    }
    return """
      # The server's configuration: what the operator decides. What the risk team decides stands in the policy.
      # Paths are relative to this file. Check a change with: rouse-server check --config server.yaml

      listen: 127.0.0.1:7411          # HOST:PORT; port 0 takes any free one; off loopback identities are needed
      policy: \(paths[0])
      policy_approval: none           # required: a policy is live only once another identity than its author approves it

      tls:
        certificate: tls/server.pem   # the server's certificate, then its intermediates
        key: tls/server.key
        client_ca: tls/ca.pem         # who may issue client certificates
        # client_crl: tls/crl.pem     # which of them are revoked: a list of each authority, renewed before it ends
        client_certificate: requested # none, requested, or required; without one a peer may only ping
        minimum_version: "1.3"        # "1.2" for peers that cannot do better

      # Who a client certificate is, and what it may do. certificate is dns:, uri: or email: (a subject alternative name)
      # or cn: (the subject's common name). Roles: score (score, rank), record, tune, admin.
      identities:
        operator:
          certificate: dns:operator
          roles: [score, record, tune, admin]

      tokens: tokens.yaml             # clients without a certificate: rouse-server token add NAME --roles score

      # What a peer may use. These are the defaults; the op info announces them.
      limits:
        line_bytes: 1048576
        inline_candidates: 1000       # in one request; more go as a stream
        stream_candidates: 20000000
        in_flight: 64                 # requests of one connection; further ones wait in its socket
        connections: 1024
        # stranger_connections: 256  # without an identity, that keep their places when all are taken
        # unfinished_bytes: 67108864  # lines that have begun share them, beyond what each connection has
        # queued_requests: 256        # that wait for a thread; beyond it they are told to come again
        # rank_bytes: 8589934592      # memory of all open ranks; without it half of the machine's, 8 GiB at most
        # requests_per_second: 1000   # of each identity; without it as many as they like
        handshake_seconds: 5
        partial_line_seconds: 30
        idle_seconds: 300
        write_stalled_seconds: 60

      drain_seconds: 10               # what open requests are given when the server stops
      log_level: info                 # debug, info, warning, error
      log_format: text                # or json; logs go to standard error
      # Logs name a user only by a hash with this key: keep it from whoever reads them. Without it they name no user.
      log_user_id_key: "\(logUserIDKey)"
      # Who changed which policy or configuration, and who was refused. Check it with: rouse-server audit verify
      audit: \(paths[1])
      # Figures for Prometheus, /healthz and /readyz, in plain HTTP and without a log-in: whoever reaches it may read it.
      # metrics: 127.0.0.1:9464

      # What lasts: contacts, outcomes, committed plans, the standing audience. Without it nothing is kept.
      ledger:
        file: \(paths[2])
        plan_ttl_hours: 72            # for so long the contacts of a committed plan are taken
        # retention_days: {events: 400, click: 90, plans: 400}  # null: for ever, as opt-outs and complaints are

      """
  }

  static let clientYAML = """
    # The client's profile: rouse ping --profile client.yaml, or ROUSE_PROFILE=client.yaml. Paths are relative to this file.
    server: 127.0.0.1:7411
    ca: tls/ca.pem
    cert: tls/client.pem
    key: tls/client.key

    """
}
