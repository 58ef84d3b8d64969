import RouseClient
import RousePolicy

/// Why the tool gives up: what it says, and the exit code.
struct Failure: Error {
  enum Code: Int32 {
    case done = 0
    /// Done, but some input was invalid.
    case invalidInput = 1
    /// Usage, configuration or policy.
    case usage = 2
    case server = 3
    case connection = 4
  }
  let code: Code
  /// What is wrong, where, and the remedy; nothing to say when empty.
  let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// nil for what the argument parser has to say.
  init?(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as ClientError: self.init(Self.code(error), error.description)
    case let error as PolicyDiagnostics:
      self.init(.usage, error.all.map { $0.line(file: "--set") }.joined(separator: "\n"))
    case is StandardOutput.Closed: self.init(.done, "")
    case let fault as SystemFault: self.init(.usage, fault.description)
    default: return nil
    }
  }

  /// Has a server look at the policy of a file. What it finds wrong there is told as `rouse policy check` tells it, and ends
  /// with the same exit code, whichever command it was: the fault is the file's, not the server's.
  static func ofPolicy<Answer>(_ file: String, _ ask: () async throws -> Answer) async throws -> Answer {
    do {
      return try await ask()
    } catch ClientError.server(let fault) where !fault.diagnostics.isEmpty {
      StandardError.write(fault.diagnostics.map { $0.line(file: file) + "\n" }.joined())
      throw Failure(.usage, fault.description)
    }
  }

  private static func code(_ error: ClientError) -> Code {
    switch error {
    case .configuration: .usage
    case .server, .refused: .server
    case .cannotConnect, .tls, .lost, .garbled: .connection
    }
  }
}
