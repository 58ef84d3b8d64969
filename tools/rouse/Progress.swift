import Foundation

/// One line on standard error about long work, for a person who waits. Silent where nobody looks, and in the first second.
final class Progress: @unchecked Sendable {
  // Sendable because all that changes is under the lock.
  private let lock = NSLock()
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var count = 0
  private var last = ContinuousClock.now
  private var hasLine = false

  /// - Parameter sharesTerminal: rows go to the same terminal while the work goes on, and show it themselves.
  init(sharesTerminal: Bool) { isShown = Terminal.isError && !(sharesTerminal && Terminal.isOutput) }

  func add(_ candidates: Int) {
    lock.lock()
    defer { lock.unlock() }
    count += candidates
    guard isShown else { return }
    let now = ContinuousClock.now
    guard now - start > .seconds(1), now - last > .milliseconds(500) else { return }
    last = now
    show("\(grouped(count)) candidates, \(grouped(Int(Double(count) / (now - start).inSeconds))) a second")
  }

  func note(_ what: String) {
    lock.lock()
    defer { lock.unlock() }
    if isShown, hasLine { show("\(grouped(count)) candidates, \(what)") }
  }

  /// Before rows that may go to the same terminal.
  func pause() {
    if Terminal.isOutput { finish() }
  }

  /// Takes the line away.
  func finish() {
    lock.lock()
    defer { lock.unlock() }
    if hasLine { StandardError.write("\r\u{1B}[K") }
    hasLine = false
  }

  private func show(_ text: String) {
    StandardError.write("\r\u{1B}[K\(text)")
    hasLine = true
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// `1,234,567`, in every locale.
func grouped(_ number: Int) -> String {
  var text = ""
  let digits = String(number.magnitude)
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return number < 0 ? "-" + text : text
}
