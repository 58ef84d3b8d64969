import Logging
import Synchronization

/// The level below which nothing is logged. All handlers read it, so that a reload can set it.
package final class LogThreshold: Sendable {
  private static let levels = Logger.Level.allCases
  private let index: Atomic<Int>

  package init(_ level: Logger.Level) { index = Atomic(Self.index(level)) }

  package var level: Logger.Level {
    get { Self.levels[index.load(ordering: .relaxed)] }
    set { index.store(Self.index(newValue), ordering: .relaxed) }
  }

  private static func index(_ level: Logger.Level) -> Int { levels.firstIndex(of: level) ?? 0 }
}

extension Logger.Level {
  package init(_ level: Configuration.LogLevel) {
    switch level {
    case .debug: self = .debug
    case .info: self = .info
    case .warning: self = .warning
    case .error: self = .error
    }
  }
}
