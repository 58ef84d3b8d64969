import Foundation
import RouseCore
import RouseTLS

/// Whether clients will take the server's certificate, and the server its clients'.
struct CertificateState {
  let file: String
  let configuration: Configuration
  let now: Int64

  init(file: String, _ configuration: Configuration, now: Int64) {
    self.file = file
    self.configuration = configuration
    self.now = now
  }

  private var tls: TLSServerSettings { configuration.tls }
  private var folder: String {
    let folder = (file as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }
  /// For certificates that init made; others come from elsewhere.
  private var renewal: String {
    isFromInit ? "rouse-server renew \(folder)" : "replace it by the next one of whoever issued it"
  }
  private var isFromInit: Bool { (try? HomeRenewal(home: folder, now: now)) != nil }

  func findings() -> [Finding] {
    var findings: [Finding] = []
    do throws(TLSError) {
      let context = try TLSServerContext(tls)
      let chain = try CertificateChain(file: tls.certificateChainFile)
      findings += context.warnings(now: now).map {
        let line = Finding.problem("certificate", line: $0)
        return .problem("certificate", line.text, renewal)
      }
      findings += [chainOrder(chain), beginning(chain), name(chain)].compactMap(\.self)
      if findings.isEmpty {
        findings.append(
          .ok(
            "certificate",
            "\(tls.certificateChainFile) fits its key and ends \(Moment.format(chain.facts[0].notAfter)), in \(days(chain.facts[0].notAfter)) days"
          ))
      }
    } catch {
      findings.append(.problem("certificate", line: error.description))
    }
    return findings + authorities() + client()
  }

  private func days(_ end: Int64) -> Int64 { floorDivide(end - now, Moment.day) }

  private func chainOrder(_ chain: CertificateChain) -> Finding? {
    guard let at = chain.breaksAt else { return nil }
    return .problem(
      "certificate", "\(chain.file): certificate \(at + 1) has not issued certificate \(at)",
      "put the server's certificate first, then each issuer behind what it has issued")
  }

  private func beginning(_ chain: CertificateChain) -> Finding? {
    guard let late = chain.facts.first(where: { $0.notBefore > now }) else { return nil }
    return .problem(
      "certificate", "\(chain.file): begins only on \(Moment.format(late.notBefore))", "check the clock of this machine"
    )
  }

  /// Clients hold the name or address that they connect to against those of the certificate.
  private func name(_ chain: CertificateChain) -> Finding? {
    let leaf = chain.facts[0]
    let address = configuration.listen
    let names = leaf.dnsNames + leaf.ipAddresses
    if ["0.0.0.0", "::", "*"].contains(address.host) {
      let others = names.filter { $0 != "localhost" && $0 != "127.0.0.1" && $0 != "::1" }
      return others.isEmpty
        ? .problem(
          "certificate",
          "\(chain.file) names only this machine to itself (\(names.joined(separator: ", "))), but \(address) is for others",
          "issue one with the name that clients connect to: rouse-server init NEW --host NAME, or your own authority's")
        : nil
    }
    let isNamed = names.contains { $0.asciiLowercased.utf8.elementsEqual(address.host.asciiLowercased.utf8) }
    return isNamed
      ? nil
      : .problem(
        "certificate",
        "\(chain.file) does not name \(address.host), where the server listens (it has \(names.joined(separator: ", ")))",
        "clients that connect there refuse it: issue one with that name, or have them connect by one of these")
  }

  private func authorities() -> [Finding] {
    guard let file = tls.clientCAFile else {
      return [.skipped("client authority", "no client certificates are asked for")]
    }
    do throws(TLSError) {
      let chain = try CertificateChain(file: file)
      let ended = chain.facts.filter { $0.notAfter <= now }
      // Those that have ended harm nobody while another is in force.
      guard ended.count < chain.facts.count else {
        return [
          .problem("client authority", "\(file): every authority has ended, so no client is let in", renewal)
        ]
      }
      let rest = ended.isEmpty ? "" : "; \(ended.count) of them ended"
      return [.ok("client authority", "\(file): authorities \(chain.facts.count)\(rest)")]
    } catch {
      return [.problem("client authority", line: error.description)]
    }
  }

  /// The client's certificate of a home from init.
  private func client() -> [Finding] {
    let path = folder + "/tls/client.pem"
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    do throws(TLSError) {
      let chain = try CertificateChain(file: path)
      try chain.checkKey(file: folder + "/tls/client.key")
      let end = chain.facts[0].notAfter
      guard end > now, days(end) >= 14 else {
        return [.problem("client certificate", "\(path) ends on \(Moment.format(end))", renewal)]
      }
      return [.ok("client certificate", "\(path) ends \(Moment.format(end)), in \(days(end)) days")]
    } catch {
      return [.problem("client certificate", line: error.description)]
    }
  }
}
