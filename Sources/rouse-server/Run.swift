import ArgumentParser
import Foundation
import Logging
import RouseServer
import ServiceLifecycle

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve until SIGTERM or SIGINT.",
    discussion: """
      On the first signal the server stops accepting, finishes what is under way for at most drain_seconds, and exits 0.
      Logs go to standard error, one line an event. They never hold the server up: lines that nobody reads are dropped, and
      the log says how many.
      """)

  @Option(help: "The configuration, as init makes it.", completion: .file(extensions: ["yaml"]))
  var config: String

  @Option(
    help: ArgumentHelp(
      "Listen here, in place of the configuration's address; port 0 takes any free one.", valueName: "host:port"))
  var listen: String?

  @Option(
    help: ArgumentHelp("Gets HOST:PORT once the server listens; written in one step.", valueName: "file"),
    completion: .file())
  var portFile: String?

  @Option(help: "Log lines as text or json, in place of the configuration's log_format.")
  var logFormat: LogFormat?

  func run() async throws {
    var address: Address?
    if let listen {
      address = Address(listen)
      if address == nil { throw ConfigurationError("--listen \(listen): HOST:PORT belongs here, like 127.0.0.1:7411") }
    }
    let configuration = try Configuration.read(file: config)
    // Whoever reads the log may go away before the server does.
    signal(SIGPIPE, SIG_IGN)
    let output = LogOutput(STDERR_FILENO, format: logFormat ?? configuration.logFormat)
    let threshold = LogThreshold(Logger.Level(configuration.logLevel))
    LoggingSystem.bootstrap { _ in LineLogHandler(output, threshold) }
    let logger = Logger(label: "rouse-server")
    let server = try Server(configuration: configuration, listen: address, portFile: portFile, logger: logger)
    var quiet = logger
    quiet.logLevel = .error
    let group = ServiceGroup(
      configuration: .init(services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
    try await group.run()
  }
}

extension LogFormat: ExpressibleByArgument {}
