import ArgumentParser
import Foundation
import Logging
import RouseServer
import ServiceLifecycle
import UnixSignals

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve until SIGTERM or SIGINT.",
    discussion: """
      On the first signal the server stops accepting, finishes what is under way for at most drain_seconds, and exits 0;
      a second one ends it at once. SIGHUP, and any change of the files that the configuration names, reloads
      configuration, certificates, tokens and policy: whole or not at all.
      A service manager is told when it listens, reloads and stops, and that it lives, where NOTIFY_SOCKET and WATCHDOG_USEC \
      say so (systemd's Type=notify and WatchdogSec). Sockets in LISTEN_FDS (rouse-server.socket) take the place of listen.
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
    Allocator.giveBackWhatIsLarge(processors: ProcessInfo.processInfo.activeProcessorCount)
    var address: Address?
    if let listen {
      address = Address(listen)
      if address == nil { throw ConfigurationError("--listen \(listen): HOST:PORT belongs here, like 127.0.0.1:7411") }
    }
    // Trapped first: what comes from here on waits until it can be heard.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    let configuration = try Configuration.read(file: config)
    // Whoever reads the log may go away before the server does.
    signal(SIGPIPE, SIG_IGN)
    let output = LogOutput(STDERR_FILENO, format: logFormat ?? configuration.logFormat)
    let threshold = LogThreshold(Logger.Level(configuration.logLevel))
    LoggingSystem.bootstrap { _ in LineLogHandler(output, threshold) }
    let logger = Logger(label: "rouse-server")
    let environment = ProcessInfo.processInfo.environment
    let inherited = try InheritedSocket.all(environment: environment)
    guard inherited.isEmpty || address == nil else {
      throw ConfigurationError(
        "--listen: sockets are handed over already (LISTEN_FDS); leave it out, or stop the .socket unit")
    }
    let server = try Server(
      configurationFile: config, listen: address, portFile: portFile, threshold: threshold, logger: logger,
      inherited: inherited, notify: try NotifySocket(environment: environment))
    var quiet = logger
    quiet.logLevel = .error
    let group = ServiceGroup(configuration: .init(services: [server], logger: quiet))
    let listening = Task { await obey(signals, server, group, logger) }
    defer { listening.cancel() }
    try await group.run()
  }

  private func obey(_ signals: UnixSignalsSequence, _ server: Server, _ group: ServiceGroup, _ logger: Logger) async {
    var isStopping = false
    for await signal in signals {
      if signal == .sighup {
        logger.info("SIGHUP: reloading")
        await offTheLoops { server.reload(by: .signal) }
      } else if isStopping {
        logger.error("a second signal: ending at once")
        Foundation._exit(1)
      } else {
        isStopping = true
        await group.triggerGracefulShutdown()
      }
    }
  }
}

extension LogFormat: ExpressibleByArgument {}
