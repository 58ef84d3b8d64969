import RouseCore

/// The lines of a reply that are no rows.
package enum Reply {
  /// `{"id":..,"ok":true`: what every answer begins with.
  package static func begin(_ id: [UInt8]?, into out: inout ByteWriter) {
    guard let id else { return begin(rawID: nil, into: &out) }
    id.withUnsafeBytes { begin(rawID: $0, into: &out) }
  }

  /// The same with an id that stands in the request's line.
  package static func begin(rawID id: UnsafeRawBufferPointer?, into out: inout ByteWriter) {
    out.put(0x7B)
    if let id {
      out.write("\"id\":")
      out.write(id)
      out.put(0x2C)
    }
    out.write("\"ok\":true")
  }

  /// `,"policy":"..","as_of":".."`: under which policy, and as of when, a request was answered.
  package static func context(policy: String, asOf: String, into out: inout ByteWriter) {
    out.write(",\"policy\":")
    out.writeQuoted(policy)
    out.write(",\"as_of\":")
    out.writeQuoted(asOf)
  }

  package static func end(into out: inout ByteWriter) { out.write("}\n") }

  /// The one line that answers a request that failed.
  package static func error(_ error: WireError, id: [UInt8]?, into out: inout ByteWriter) {
    out.put(0x7B)
    if let id {
      out.write("\"id\":")
      out.write(id)
      out.put(0x2C)
    }
    out.write("\"ok\":false,\"error\":{\"code\":")
    out.writeQuoted(error.code.rawValue)
    out.write(",\"message\":")
    out.writeQuoted(error.message)
    if let at = error.at {
      out.write(",\"at\":")
      out.writeQuoted(at)
    }
    if let offset = error.offset {
      out.write(",\"offset\":")
      out.write(offset)
    }
    if let retry = error.retryAfterMS {
      out.write(",\"retry_after_ms\":")
      out.write(retry)
    }
    if !error.diagnostics.isEmpty {
      out.put(0x2C)
      diagnostics(error.diagnostics, into: &out)
    }
    out.write("}}\n")
  }

  /// `"diagnostics":[..]`: all that is wrong with a policy's text.
  package static func diagnostics(_ findings: [PolicyFinding], into out: inout ByteWriter) {
    out.write("\"diagnostics\":[")
    for (index, finding) in findings.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.write("{\"kind\":")
      out.writeQuoted(finding.kind)
      out.write(",\"path\":")
      out.writeQuoted(finding.path)
      out.write(",\"line\":")
      if let line = finding.line { out.write(line) } else { out.write("null") }
      out.write(",\"column\":")
      if let column = finding.column { out.write(column) } else { out.write("null") }
      out.write(",\"message\":")
      out.writeQuoted(finding.message)
      out.put(0x7D)
    }
    out.put(0x5D)
  }

  /// `,"fields":[..],"reasons":{..}`: what a candidate may carry, and what the codes mean.
  package static func fields(_ policy: Policy, into out: inout ByteWriter) {
    out.write(",\"fields\":[")
    for (slot, field) in policy.fields.declared.enumerated() {
      if slot > 0 { out.put(0x2C) }
      out.write("{\"name\":")
      out.writeQuoted(field.name)
      out.write(",\"kind\":")
      out.writeQuoted(field.kind.key)
      out.write(",\"type\":")
      out.writeQuoted(field.kind.type.rawValue)
      if let row = policy.risk.rows.first(where: { $0.slot == slot }) {
        out.write(",\"risk_missing\":")
        out.write(row.missing)
      }
      if let row = policy.response.rows.first(where: { $0.slot == slot }) {
        out.write(",\"response_missing\":")
        out.write(row.missing)
      }
      out.put(0x7D)
    }
    out.write("],\"reasons\":{")
    for (index, code) in policy.codes.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(code.code)
      out.put(0x3A)
      if let say = code.say { out.writeQuoted(say) } else { out.write("null") }
    }
    out.put(0x7D)
  }
}
