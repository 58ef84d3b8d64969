import RouseCore

/// What may come after a contact, and in which order: the fixed kinds of events and the policy's steps, each with a bit.
struct ReviewSteps {
  /// In the order of the funnel: delivered, click, the policy's steps, disbursed; then what harms.
  let names: [String]
  /// How many of them are of the funnel.
  let funnelCount: Int
  static let delivered = 0
  static let click = 1
  let disbursed: Int
  let quit: Int
  let complaint: Int
  let optOut: Int
  /// A recall, whether or not the policy has a step of that name.
  let login: Int
  /// By stage, the step that hands an application in: the one before underwriting, where the policy says which that is.
  let application: [Int?]

  /// What comes one after another in each stage of the policy: click, its steps, disbursed.
  let chains: [[Int]]
  /// The same where the stage is not known.
  let anyChain: [Int]

  /// The bits of a word.
  private static let most = 64

  init(_ policy: Policy) {
    let response = policy.definition.response
    var names = ["delivered", "click"]
    let fixed: Set<String> = ["contact", "repaid", "defaulted", "opt_in", "quit", "complaint", "opt_out", "disbursed"]
    var places: [Int?] = []
    // Room is left for those behind the steps.
    for step in response.steps {
      if let known = names.firstIndex(where: { ExactText($0) == ExactText(step.name) }) {
        places.append(known)
      } else if !fixed.contains(step.name), names.count < Self.most - 6 {
        places.append(names.count)
        names.append(step.name)
      } else {
        places.append(nil)
      }
    }
    let hasLogin = names.contains("login")
    if !hasLogin {
      // A recall is a login, whatever the policy's steps are.
      names.insert("login", at: 2)
      places = places.map { $0.map { $0 >= 2 ? $0 + 1 : $0 } }
    }
    login = names.firstIndex(of: "login") ?? 2
    disbursed = names.count
    names.append("disbursed")
    funnelCount = names.count
    quit = names.count
    complaint = names.count + 1
    optOut = names.count + 2
    names += ["quit", "complaint", "opt_out"]
    self.names = names
    let (last, firstLogin) = (disbursed, login)
    func chain(_ steps: [Int]) -> [Int] {
      var chain = [Self.click]
      for step in steps {
        guard places.indices.contains(step), let place = places[step], !chain.contains(place) else { continue }
        chain.append(place)
      }
      return chain + [last]
    }
    chains = policy.definition.stages.map { chain($0.recall?.steps ?? []) }
    anyChain = [Self.click, firstLogin, last]
    let underwriting = policy.definition.risk.underwriting?.step
    application = policy.definition.stages.map { stage in
      guard let steps = stage.recall?.steps, let at = steps.firstIndex(where: { $0 == underwriting }), at > 0 else {
        return nil
      }
      return places[steps[at - 1]]
    }
  }

  /// The place of a kind of event; nil of one that is not followed, or not by its place.
  func number(_ kind: String) -> Int? { names.firstIndex { $0.utf8.elementsEqual(kind.utf8) } }

  /// Steps of a chain that nobody reported, though a later one was: they say nothing, and are passed over.
  func unreported(_ seen: [Int]) -> [Int] {
    (0..<funnelCount).filter { step in
      seen[step] == 0
        && chains.contains { chain in
          guard let at = chain.firstIndex(of: step) else { return false }
          return chain[at...].contains { seen[$0] > 0 }
        }
    }
  }
}
