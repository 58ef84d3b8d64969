import ArgumentParser
import Foundation
import RouseClient
import RouseTLS

/// Which server, and as whom: flags, over a profile's values.
struct ConnectionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The server, such as 127.0.0.1:7411 or [::1]:7411.", valueName: "host:port"))
  var server: String?

  @Option(
    help: ArgumentHelp("A client.yaml, as 'rouse-server init' makes it; or ROUSE_PROFILE.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var profile: String?

  @Option(
    help: ArgumentHelp("The authority to trust; without it, those of the system.", valueName: "file"),
    completion: .file())
  var ca: String?

  @Option(help: ArgumentHelp("Our certificate, PEM.", valueName: "file"), completion: .file())
  var cert: String?

  @Option(help: ArgumentHelp("Its private key, PEM.", valueName: "file"), completion: .file())
  var key: String?

  @Option(
    help: ArgumentHelp("The name that the server's certificate carries, if it is not HOST.", valueName: "name"))
  var serverName: String?

  @Option(
    help: ArgumentHelp("Our token, where we have no certificate; or ROUSE_TOKEN, the token itself.", valueName: "file"),
    completion: .file())
  var tokenFile: String?

  @Option(help: ArgumentHelp("Wait at most so long for a connection.", valueName: "seconds"))
  var connectTimeout = 10

  func validate() throws {
    guard (1...3600).contains(connectTimeout) else {
      throw ValidationError("--connect-timeout is between 1 and 3600 seconds")
    }
  }

  /// Flags were given that only make sense with a server.
  var isGiven: Bool { server != nil || profile != nil }

  /// - Parameter otherwise: what could be done without a server, in the words of who asks.
  func client(otherwise: String = "") throws -> Client {
    let environment = ProcessInfo.processInfo.environment["ROUSE_PROFILE"].flatMap { $0.isEmpty ? nil : $0 }
    let profile = try (profile ?? environment).map(Profile.init(file:))
    guard let address = server ?? profile?.server else {
      throw Failure(
        .usage,
        "no server: give --server HOST:PORT, or --profile client.yaml (or set ROUSE_PROFILE)\(otherwise)")
    }
    guard let endpoint = Endpoint(address) else {
      throw Failure(.usage, "'\(address)' is not HOST:PORT, such as 127.0.0.1:7411 or [::1]:7411")
    }
    return try Client(
      endpoint,
      tls: TLSClientSettings(
        caFile: ca ?? profile?.ca, certificateFile: cert ?? profile?.cert, keyFile: key ?? profile?.key,
        serverName: serverName ?? profile?.serverName),
      token: try TokenSource.token(flag: tokenFile, profile: profile?.tokenFile),
      timeoutSeconds: connectTimeout)
  }
}
