import RouseCore

/// Reads a policy by the rules of model 1: every fault of it is found, not only the first.
package struct PolicyReader {
  let report = Report()
  var names = PolicyNames()
  var codes = CodeList()

  /// - Parameter overrides: applied in order, before anything is checked.
  package static func read(
    _ bytes: [UInt8], format: Document.Format, overrides: [Override] = []
  ) throws(PolicyDiagnostics) -> PolicyDefinition {
    var document = try Document.parse(bytes, format: format)
    for override in overrides { try document.set(override) }
    return try read(document)
  }

  /// A policy whose text has been read already.
  package static func read(_ document: Document) throws(PolicyDiagnostics) -> PolicyDefinition {
    var reader = PolicyReader()
    let definition = reader.definition(of: document)
    reader.codes.refuseRepeated()
    try reader.report.finish()
    guard let definition else {
      throw PolicyDiagnostics(Fault(.value, path: "", at: .override, "the policy cannot be read"))
    }
    return definition
  }

  /// nil when a part is missing, which is in the report by then.
  private mutating func definition(of document: Document) -> PolicyDefinition? {
    let needed = [
      "version", "name", "fields", "clock_skew_seconds", "stages", "tiers", "risk", "response", "money", "ladder",
      "gap_days", "cap_30d", "hours", "channels", "experiment", "regions",
    ]
    let optional = ["suppress", "knockout", "plan", "guardrails", "review"]
    guard let top = document.settings(needed: needed, optional: optional, report: report) else { return nil }

    _ = top.whole("version", in: 2...2)
    let name = top.text("name")
    // What others refer to comes first, wherever it stands in the file.
    let guardrails = openGuardrails(top["guardrails"])
    readFields(top["fields"])
    readGuardrails(guardrails)
    let openResponse = openResponse(top["response"])

    let clockSkew = top.whole("clock_skew_seconds", in: 0...86_400)
    let stages = readStages(top["stages"])
    let tiers = readTiers(top["tiers"])
    let suppress = readRules(top["suppress"])
    let knockout = readRules(top["knockout"])
    let risk = readRisk(top["risk"])
    let response = readResponse(openResponse)
    let money = readMoney(top["money"])
    let contact = readContact(top)
    let channels = readChannels(top["channels"], hours: contact.hours)
    let experiment = readExperiment(top["experiment"])
    let plan = readPlan(top["plan"])
    let regions = readRegions(top["regions"])
    let review = readReview(top["review"])

    guard let name, let clockSkew, let stages, let tiers, let suppress, let knockout, let risk, let response, let money,
      let contact = contact.definition, let channels, let experiment, let plan, let regions, let review
    else { return nil }
    var definition = PolicyDefinition(
      name: name, fields: names.fields, clockSkew: Int64(clockSkew), stages: stages, tiers: tiers, suppress: suppress,
      knockout: knockout, risk: risk, response: response, money: money, contact: contact, channels: channels,
      experiment: experiment, plan: plan, regions: regions, review: review)
    definition.forbidden = names.forbidden
    definition.proxies = names.proxies
    return definition
  }
}
