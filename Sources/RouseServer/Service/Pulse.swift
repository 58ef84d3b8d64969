import NIOCore
import NIOPosix

/// Tells the service manager again and again that the server lives. A timer that ticks by itself would prove nothing: each
/// sign is given only after every event loop has run a task that was given to it.
struct Pulse: Sendable {
  let notify: NotifySocket
  let loops: MultiThreadedEventLoopGroup
  /// The line for `systemctl status`.
  let status: @Sendable () -> String

  /// The status is looked at so often where the watchdog asks for nothing more frequent.
  private static let longest = Duration.seconds(10)

  /// Goes on until its task is cancelled.
  func run() async throws {
    let interval = notify.watchdog.map { min($0 / 2, Self.longest) } ?? Self.longest
    while true {
      try await Task.sleep(for: interval)
      await beat()
    }
  }

  /// Does not come back where a loop hangs: then the watchdog hears nothing, and that is what it is for.
  private func beat() async {
    for loop in loops.makeIterator() {
      do {
        try await loop.submit {}.get()
      } catch {
        return
      }
    }
    if notify.watchdog != nil { notify.say("WATCHDOG=1") }
    notify.show(status())
  }
}
