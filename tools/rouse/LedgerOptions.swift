import ArgumentParser
import RouseClient

/// Whether the server's ledger has a say, and whether its own candidates are meant.
struct LedgerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "In place of input: those candidates of the server's standing audience for whom this condition holds; TRUE: all.",
      valueName: "condition"))
  var audience: String?

  @Flag(help: "Decide without the server's ledger: what if it knew of no contact, no opt-out and no plan?")
  var noLedger = false

  var isGiven: Bool { audience != nil || noLedger }

  func set(on request: inout RequestLine) {
    request.set("audience", text: audience)
    if noLedger { request.set("ledger", json: "false") }
  }

  /// Throws where these cannot go with the rest.
  func check(file: String?, _ engine: Engine) throws {
    if audience != nil, let file {
      throw Failure(.usage, "--audience takes the candidates that the server has; give it, or \(file), but not both")
    }
    if isGiven, case .filter = engine {
      let option = audience == nil ? "--no-ledger" : "--audience"
      throw Failure(.usage, "\(option) is about a server's ledger; without a server (--policy) there is none")
    }
  }
}

/// Making a plan binding.
struct CommitOptions: ParsableArguments {
  @Flag(help: "Keep the plan in the server's ledger: its users are taken, and no other plan gets them meanwhile.")
  var commit = false

  @Option(
    help: ArgumentHelp(
      "Our own name of the plan, needed with --commit: the same command again gets the same plan.", valueName: "key"))
  var planKey: String?

  @Option(help: ArgumentHelp("The campaign that a committed plan is for.", valueName: "name"))
  var campaign: String?

  func validate() throws {
    if commit, planKey == nil {
      throw ValidationError(
        "--commit needs --plan-key KEY, such as march-1: if the answer is lost, the same command with the same key gets the "
          + "same plan, and not a second one")
    }
    if !commit, let option = planKey != nil ? "--plan-key" : campaign != nil ? "--campaign" : nil {
      throw ValidationError("\(option) is for a plan that is kept; give --commit too")
    }
  }

  func set(on request: inout RequestLine) {
    if commit { request.set("commit", json: "true") }
    request.set("plan_key", text: planKey)
    request.set("campaign", text: campaign)
  }
}
