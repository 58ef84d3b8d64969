import Logging
import RouseWire

/// What swift-log hands its events to: one line each.
package struct LineLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  private let output: LogOutput
  private let threshold: LogThreshold
  /// Set for one logger alone; then the common threshold has no say.
  private var ownLevel: Logger.Level?

  package init(_ output: LogOutput, _ threshold: LogThreshold) {
    self.output = output
    self.threshold = threshold
  }

  package var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level }
    set { ownLevel = newValue }
  }

  package subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let given = event.metadata { all.merge(given) { $1 } }
    if let error = event.error { all["error"] = .string("\(error)") }
    output.write(LogLine(time: .now(), level: event.level, message: event.message.description, metadata: all))
  }
}
