import RouseTLS

/// Who may do what, as the configuration says it now. It never changes: a reload makes another one, and connections ask
/// it anew.
final class Access: Sendable {
  /// Somebody the operator knows.
  struct Identity: Sendable {
    let name: String
    let roles: Set<Configuration.Role>
    let bucket: RateBucket?
  }

  /// What a peer has shown of itself. It is kept, so that a reload can take away what it gave.
  enum Proof: Sendable {
    case certificate(PeerIdentity)
    case token(Token)
  }

  private let identities: [Configuration.Identity]
  private let tokens: Tokens
  private let buckets: [String: RateBucket]

  /// - Parameter former: keeps the buckets of those whose rate stays, or a reload would fill them.
  init(_ configuration: Configuration, former: Access? = nil) {
    identities = configuration.identities
    tokens = configuration.tokens
    var buckets: [String: RateBucket] = [:]
    let named = identities.map { ($0.name, $0.requestsPerSecond) } + tokens.all.map { ($0.name, nil) }
    for (name, own) in named {
      guard let rate = own ?? configuration.limits.requestsPerSecond else { continue }
      if let kept = former?.buckets[name], kept.rate == rate {
        buckets[name] = kept
      } else {
        buckets[name] = RateBucket(rate: rate)
      }
    }
    self.buckets = buckets
  }

  /// Whom a proof makes somebody; nil when nobody, or nobody any more.
  func identity(_ proof: Proof) -> Identity? {
    switch proof {
    case .certificate(let peer):
      guard let known = identities.first(where: { $0.matches(peer) }) else { return nil }
      return Identity(name: known.name, roles: known.roles, bucket: buckets[known.name])
    case .token(let token):
      guard let known = tokens[token.name], known.sha256 == token.sha256 else { return nil }
      return Identity(name: known.name, roles: known.roles, bucket: buckets[known.name])
    }
  }

  /// Every identity that a certificate or a token can have.
  var names: Set<String> { Set(identities.map(\.name) + tokens.all.map(\.name)) }

  /// The proof that a presented token is; nil when the server knows none such.
  func proof(token: String) -> Proof? { tokens.match(token).map { .token($0) } }
}
