import RouseCore

extension Request {
  /// What a rank asks for, as a JSON object in an order of its own: the same for the same request, however it was spelled.
  /// Without id, time limit and the plan's key.
  package func writeSettings(into out: inout ByteWriter) {
    out.write("{\"op\":\"rank\"")
    text("campaign", campaign, &out)
    text("policy", policy, &out)
    text("as_of", asOf?.text, &out)
    switch candidates {
    case .audience(let condition): text("audience", condition, &out)
    case .stream: out.write(",\"stream\":true")
    case .users, .none: break
    }
    setting("budget", budget, &out) { $1.write(number: $0) }
    setting("capital", capital, &out) { $1.write(number: $0) }
    counts("capacity", capacity, &out)
    counts("quota", quota, &out)
    if let tierFirst { out.write(tierFirst ? ",\"tier_first\":true" : ",\"tier_first\":false") }
    setting("limit", limit, &out) { $1.write($0) }
    out.put(0x7D)
  }

  private func text(_ name: StaticString, _ value: String?, _ out: inout ByteWriter) {
    guard let value else { return }
    begin(name, &out)
    out.writeQuoted(value)
  }

  private func begin(_ name: StaticString, _ out: inout ByteWriter) {
    out.write(",\"")
    out.write(name)
    out.write("\":")
  }

  private func setting<Value>(
    _ name: StaticString, _ setting: LimitSetting<Value>, _ out: inout ByteWriter,
    _ write: (Value, inout ByteWriter) -> Void
  ) {
    switch setting {
    case .policy: return
    case .lifted:
      begin(name, &out)
      out.write("null")
    case .most(let value):
      begin(name, &out)
      write(value, &out)
    }
  }

  private func counts(
    _ name: StaticString, _ counts: [(name: String, most: LimitSetting<Int64>)], _ out: inout ByteWriter
  ) {
    guard !counts.isEmpty else { return }
    begin(name, &out)
    out.put(0x7B)
    for (index, count) in counts.sorted(by: { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) })
      .enumerated()
    {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(count.name)
      out.put(0x3A)
      if case .most(let most) = count.most { out.write(most) } else { out.write("null") }
    }
    out.put(0x7D)
  }
}
