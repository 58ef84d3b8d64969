import Foundation
import RouseCore
import RouseLedger

/// Looks an installation over: what would keep a server from starting, from being reached, or from going on. It changes
/// nothing, and may be asked while the server runs.
package struct Doctor {
  let file: String
  /// Seconds since 1970.
  let now: Int64

  package init(configurationFile: String, now: Int64) {
    file = configurationFile
    self.now = now
  }

  package func run() -> [Finding] {
    let configuration: Configuration
    do throws(ConfigurationError) {
      configuration = try Configuration.read(file: file)
    } catch {
      return error.lines.map { .problem("configuration", line: $0) }
        + [.skipped("all else", "the configuration says where it is; once that is in order, ask again")]
    }
    let holder = Listening.find(configuration.listen)
    var findings: [Finding] = [
      .ok("configuration", "\(file) can be read; the server listens on \(configuration.listen)")
    ]
    findings += FileModes(file: file, configuration).findings()
    findings += CertificateState(file: file, configuration, now: now).findings()
    findings += roles(configuration)
    findings.append(policy(configuration))
    findings += kept(configuration)
    findings += MachineState(file: file, configuration, now: now, server: holder.server).findings()
    findings.append(port(configuration, holder))
    return findings
  }

  /// Everything can be done by somebody.
  private func roles(_ configuration: Configuration) -> [Finding] {
    let purposes: [(Configuration.Role, String)] = [
      (.score, "score and rank"), (.record, "record what happened"), (.tune, "change the policy"),
      (.admin, "erase users and see what is internal"),
    ]
    var missing: [Finding] = []
    var named: [String] = []
    for (role, purpose) in purposes {
      let names =
        configuration.identities.filter { $0.roles.contains(role) }.map(\.name)
        + configuration.tokens.all.filter { $0.roles.contains(role) }.map(\.name)
      // Without a ledger there is nothing to record in.
      if names.isEmpty, role != .record || configuration.ledger != nil {
        missing.append(
          .problem(
            "roles", "nobody has the role \(role.rawValue), so nobody can \(purpose)",
            "give it to one of identities, or: rouse-server token add NAME --roles \(role.rawValue) --config \(file)"))
      }
      if !names.isEmpty { named.append("\(role.rawValue) \(names.count)") }
    }
    return missing.isEmpty ? [.ok("roles", "held by so many: " + named.joined(separator: ", "))] : missing
  }

  private func policy(_ configuration: Configuration) -> Finding {
    do throws(ConfigurationError) {
      let store = try PolicyStore.read(file: configuration.policyFile, now: now)
      return .ok(
        "policy",
        "\(configuration.policyFile) is in order, version \(store.live.policy.version); whether it is wise: rouse policy check --lint \(configuration.policyFile)"
      )
    } catch {
      return .problem(
        "policy", error.lines.joined(separator: " / "), "rouse policy check \(configuration.policyFile)")
    }
  }

  // MARK: - What is kept

  private func kept(_ configuration: Configuration) -> [Finding] {
    [ledger(configuration), lock(configuration), audit(configuration)].compactMap(\.self)
  }

  private func ledger(_ configuration: Configuration) -> Finding {
    guard let path = configuration.ledger?.file else {
      return .skipped("ledger", "none is kept: contacts and opt-outs are forgotten at once")
    }
    guard FileManager.default.fileExists(atPath: path) else {
      return .skipped("ledger", "\(path) is not there yet; the server makes it when it starts")
    }
    do throws(LedgerError) {
      let faults = try LedgerFile.check(path, quickly: true)
      guard let first = faults.first else { return .ok("ledger", "\(path) is sound") }
      return .problem(
        "ledger", "\(path): \(first)" + (faults.count > 1 ? ", and \(faults.count - 1) more" : ""),
        "rouse-server ledger check --config \(file) tells all; rouse-server restore BACKUP puts a sound one in place")
    } catch {
      return .problem("ledger", line: error.description)
    }
  }

  private func lock(_ configuration: Configuration) -> Finding? {
    guard let path = configuration.ledger?.file else { return nil }
    switch FileHolder.find(path + ".lock") {
    case .nobody: return .ok("ledger lock", "free")
    case .process(let holder) where holder.name.hasPrefix("rouse-server"):
      return .ok("ledger lock", "held by the server (\(holder))")
    case .process(let holder):
      return .problem(
        "ledger lock", "\(path).lock is held by \(holder), which is no rouse-server",
        "a server cannot start before it ends")
    case .somebody: return .ok("ledger lock", "held by a process that cannot be seen from here")
    }
  }

  private func audit(_ configuration: Configuration) -> Finding {
    guard let path = configuration.auditFile else { return .skipped("audit log", "none is kept") }
    guard FileManager.default.fileExists(atPath: path) else {
      return .skipped("audit log", "\(path) is not there yet; the server makes it when it starts")
    }
    do throws(AuditError) {
      switch try AuditVerification.run(file: path) {
      case .sound(let entries, let last, _):
        return .ok("audit log", "\(path) is whole: \(entries) entries, last \(last.hash)")
      case .broken(let line, let reason):
        return .problem(
          "audit log", "\(path):\(line): \(reason)",
          "find out who changed it; then move the file away, and the server begins a new one when it starts")
      }
    } catch {
      return .problem("audit log", line: error.description)
    }
  }

  // MARK: - The port

  private func port(_ configuration: Configuration, _ holder: Listening.Holder) -> Finding {
    let address = configuration.listen
    switch holder {
    case .free where address.port == 0: return .ok("port", "any that is free will be taken")
    case .free: return .ok("port", "\(address) is free: no server runs")
    case .process(let holder) where holder.name.hasPrefix("rouse-server") || holder.name == "systemd":
      return .ok("port", "\(address) is held by \(holder)")
    case .process(let holder):
      return .problem(
        "port", "\(address) is held by \(holder)", "end that process, or choose another port under listen")
    case .somebody:
      return .ok("port", "\(address) is held by a process that cannot be seen from here (ask as root)")
    case .impossible(let reason):
      return .problem(
        "port", "\(address) cannot be listened on: \(reason)", "choose another address under listen, or 0.0.0.0 for all"
      )
    }
  }
}
