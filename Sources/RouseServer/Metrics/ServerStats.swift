import RouseCore
import RouseWire

/// The answer of the op `stats`: what was counted since the server started, and how things are now.
extension ServerStatus {
  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - identity: who asks, who learns of no others unless its role is `admin`.
  func write(now: Int64, for identity: Access.Identity?, into out: inout ByteWriter) {
    forgetTheGone()
    out.write(",\"since\":")
    out.writeQuoted(Moment.format(started))
    member("uptime_seconds", Int64(max(0, now - started)), &out)
    writeReadiness(now, &out)
    writeRequests(&out)
    writeIdentities(identity, &out)
    writeCandidates(&out)
    writeContacts(&out)
    out.write(",\"connections\":{\"open\":")
    out.write(connections.count)
    member("taken_in", meters.value("rouse_connections_total"), &out)
    member("refused", meters.value("rouse_connections_refused_total"), &out)
    member("handshakes_failed", meters.value("rouse_handshakes_failed_total"), &out)
    out.write("},\"bytes\":{\"received\":")
    out.write(meters.value("rouse_received_bytes_total"))
    member("sent", meters.value("rouse_sent_bytes_total"), &out)
    out.write("},\"work\":{\"waiting\":")
    out.write(pool.backlog)
    member("running", Int64(pool.underWay), &out)
    out.write("},\"memory\":{\"resident\":")
    out.write(Self.residentBytes)
    member("lines", Int64(memory.used), &out)
    member("ranks", Int64(rankMemory.used), &out)
    out.write("},\"policy\":")
    writePolicy(&out)
    writeLedger(&out)
  }

  private func member(_ name: StaticString, _ value: Int64, _ out: inout ByteWriter) {
    begin(name, &out)
    out.write(value)
  }

  private func begin(_ name: StaticString, _ out: inout ByteWriter) {
    out.write(",\"")
    out.write(name)
    out.write("\":")
  }

  private func writeReadiness(_ now: Int64, _ out: inout ByteWriter) {
    let findings = findings(now: now)
    out.write(
      findings.contains(where: \.isGrave) ? ",\"ready\":false,\"findings\":[" : ",\"ready\":true,\"findings\":[")
    for (index, finding) in findings.enumerated() {
      out.write(index > 0 ? ",{\"code\":" : "{\"code\":")
      out.writeQuoted(finding.code)
      out.write(finding.isGrave ? ",\"grave\":true,\"message\":" : ",\"grave\":false,\"message\":")
      out.writeQuoted(finding.message)
      out.put(0x7D)
    }
    out.put(0x5D)
  }

  /// Ops that were asked for, in the order of `info`.
  private func writeRequests(_ out: inout ByteWriter) {
    out.write(",\"requests\":{")
    var isFirst = true
    for operation in Operation.allCases {
      let failed = ErrorCode.allCases.map { ($0, meters.count(operation, $0)) }.filter { $0.1 > 0 }
      let answered = meters.count(operation, nil)
      guard answered > 0 || !failed.isEmpty else { continue }
      if !isFirst { out.put(0x2C) }
      isFirst = false
      out.writeQuoted(operation.rawValue)
      out.write(":{\"ok\":")
      out.write(answered)
      out.write(",\"failed\":{")
      for (index, (code, count)) in failed.enumerated() {
        if index > 0 { out.put(0x2C) }
        out.writeQuoted(code.rawValue)
        out.put(0x3A)
        out.write(count)
      }
      out.put(0x7D)
      writeTimes(meters.times(operation), &out)
      out.put(0x7D)
    }
    out.put(0x7D)
  }

  /// Milliseconds, to the microsecond.
  private func writeTimes(_ times: Histogram.Snapshot, _ out: inout ByteWriter) {
    func milliseconds(_ name: StaticString, _ seconds: Double?) {
      begin(name, &out)
      if let seconds { out.write(number: (seconds * 1e6).rounded() / 1e3) } else { out.write("null") }
    }
    milliseconds("p50_ms", times.quantile(0.5))
    milliseconds("p90_ms", times.quantile(0.9))
    milliseconds("p99_ms", times.quantile(0.99))
    milliseconds("p999_ms", times.quantile(0.999))
    milliseconds("most_ms", times.count > 0 ? times.greatest : nil)
  }

  private func writeIdentities(_ asking: Access.Identity?, _ out: inout ByteWriter) {
    out.write(",\"identities\":{")
    var shown: [(name: String, answered: Int64, failed: Int64)] = []
    if let asking, asking.roles.contains(.admin) {
      shown = meters.identityCounts
    } else if let asking {
      let own = meters.counts(of: asking.name)
      shown = [(asking.name, own.answered, own.failed)]
    }
    for (index, identity) in shown.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(identity.name)
      out.write(":{\"ok\":")
      out.write(identity.answered)
      member("failed", identity.failed, &out)
      out.put(0x7D)
    }
    out.put(0x7D)
  }

  private func writeCandidates(_ out: inout ByteWriter) {
    out.write(",\"candidates\":{")
    for (index, operation) in [Operation.score, .rank].enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(operation.rawValue)
      out.write(":{")
      let shown = Status.allCases.filter {
        operation == .rank ? $0 != .eligible : $0 != .contact && $0 != .waitlist
      }
      for (index, status) in shown.enumerated() {
        if index > 0 { out.put(0x2C) }
        out.writeQuoted(status.name)
        out.put(0x3A)
        out.write(meters.candidates(operation, status))
      }
      out.put(0x7D)
    }
    out.put(0x7D)
  }

  private func writeContacts(_ out: inout ByteWriter) {
    out.write(",\"contacts\":[")
    for (index, contact) in meters.contactCounts.enumerated() {
      out.write(index > 0 ? ",{\"stage\":" : "{\"stage\":")
      out.writeQuoted(contact.stage)
      out.write(",\"channel\":")
      out.writeQuoted(contact.channel)
      member("count", contact.count, &out)
      out.put(0x7D)
    }
    out.put(0x5D)
  }

  private func writePolicy(_ out: inout ByteWriter) {
    let live = policies.versions[0]
    out.write("{\"policy\":")
    out.writeQuoted(live.name)
    out.write(",\"since\":")
    out.writeQuoted(Moment.format(live.since))
    member("activated", Int64(policies.activations.load(ordering: .relaxed)), &out)
    member("rejected", Int64(policies.rejections.load(ordering: .relaxed)), &out)
    out.put(0x7D)
  }

  private func writeLedger(_ out: inout ByteWriter) {
    out.write(",\"ledger\":")
    guard let keeping else { return out.write("null") }
    let times = meters.ledgerTimes
    out.write(keeping.ledger.health == .sound ? "{\"state\":\"sound\"" : "{\"state\":\"degraded\"")
    member("commits", Int64(times.count), &out)
    writeTimes(times, &out)
    member("users", Int64(keeping.ledger.read { $0.userCount }), &out)
    member("audience", Int64(keeping.audience.count), &out)
    out.put(0x7D)
  }
}
