import Glibc
import RouseCore

/// A moment as the logs write it: RFC 3339, UTC, with milliseconds.
package struct LogTime: Sendable, Equatable {
  /// Since 1970.
  package var seconds: Int64
  package var milliseconds: Int

  package init(seconds: Int64, milliseconds: Int = 0) {
    self.seconds = seconds
    self.milliseconds = milliseconds
  }

  @Sendable package static func now() -> LogTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return LogTime(seconds: Int64(time.tv_sec), milliseconds: time.tv_nsec / 1_000_000)
  }

  package var text: String {
    let within = min(max(seconds, Moment.first), Moment.last)
    let fraction = String(1000 + min(max(milliseconds, 0), 999)).dropFirst()
    return Moment.format(within).dropLast() + "." + fraction + "Z"
  }
}
