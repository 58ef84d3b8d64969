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

  private let subject: Subject

  /// - Parameter sharesTerminal: rows go to the same terminal while the work goes on, and show it themselves.
  init(_ subject: Subject = .candidate, sharesTerminal: Bool) {
    self.subject = subject
    isShown = Terminal.isError && !(sharesTerminal && Terminal.isOutput)
  }

  /// - Parameter share: of the whole work, from 0 to 1, that is done with these.
  func add(_ lines: Int, share: Double? = nil) {
    lock.lock()
    defer { lock.unlock() }
    count += lines
    guard isShown else { return }
    let now = ContinuousClock.now
    guard now - start > .seconds(1), now - last > .milliseconds(500) else { return }
    last = now
    let seconds = (now - start).inSeconds
    show("\(subject.count(count)), \(grouped(Int(Double(count) / seconds))) a second" + Self.left(share, seconds))
  }

  private static func left(_ share: Double?, _ seconds: Double) -> String {
    guard let share, share > 0.001, share < 1 else { return "" }
    let left = Int(seconds * (1 - share) / share) + 1
    return ", \(left < 100 ? "\(left) s" : "\((left + 59) / 60) min") left"
  }

  func note(_ what: String) {
    lock.lock()
    defer { lock.unlock() }
    if isShown, hasLine { show("\(subject.count(count)), \(what)") }
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
