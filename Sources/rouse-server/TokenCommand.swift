import ArgumentParser
import RouseServer

/// Tokens: what a client shows where it has no certificate.
struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Make, list and remove the tokens of clients that have no certificate.",
    discussion: """
        cd home && umask 077
        rouse-server token add campaigns --roles score,record > campaigns.token
        rouse info --server 127.0.0.1:7411 --ca tls/ca.pem --token-file campaigns.token
        rouse-server token list
        rouse-server token remove campaigns

      The file of the tokens is the one that server.yaml names under 'tokens'.
      """,
    subcommands: [TokenAdd.self, TokenList.self, TokenRemove.self])
}

/// Whose tokens.
struct TokenOptions: ParsableArguments {
  @Option(
    help: "The configuration, which names the file of the tokens under 'tokens'.",
    completion: .file(extensions: ["yaml"]))
  var config = "server.yaml"

  /// The file, and the names that are taken by identities.
  func file() throws -> (file: TokenFile, identities: [String]) {
    let (file, identities, _) = try read()
    return (file, identities)
  }

  /// Those, and the audit log, if there is one.
  func files() throws -> (file: TokenFile, identities: [String], audit: AuditLog?) {
    let (file, identities, audit) = try read()
    return (file, identities, try audit.map { try AuditLog(file: $0) })
  }

  private func read() throws -> (TokenFile, [String], audit: String?) {
    let configuration = try Configuration.read(file: config, forTokens: true)
    guard let file = configuration.tokensFile else {
      throw ConfigurationError("\(config): names no file for tokens; add the line: tokens: tokens.yaml")
    }
    return (TokenFile(path: file), configuration.identities.map(\.name), configuration.auditFile)
  }
}
