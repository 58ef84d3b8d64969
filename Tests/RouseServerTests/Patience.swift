import Foundation

/// How long a test waits for what another process or thread does before it says that it does not: longer than any machine
/// that runs everything at once takes for it.
private let patience = 60.0

/// Waits until something holds.
/// - Returns: whether it does.
@discardableResult func eventually(_ holds: () throws -> Bool) rethrows -> Bool {
  let end = Date().addingTimeInterval(patience)
  while Date() < end {
    if try holds() { return true }
    usleep(10_000)
  }
  return try holds()
}

/// Waits until something holds that is to be awaited.
@discardableResult func comesTrue(_ holds: () async throws -> Bool) async throws -> Bool {
  let end = Date().addingTimeInterval(patience)
  while Date() < end {
    if try await holds() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return try await holds()
}

extension ServerProcess {
  /// Waits until the log says something so often.
  @discardableResult func waitForLog(_ text: String, times: Int = 1) -> Bool {
    eventually { logText.components(separatedBy: text).count > times }
  }
}
