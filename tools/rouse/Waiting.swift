import RouseWire

/// A question that may take long: where somebody looks on, the seconds are counted until the answer is there.
enum Waiting {
  /// Seconds after which one begins to wonder.
  private static let patience = 2

  /// - Parameter what: what the server is at.
  static func during<Answer>(_ what: String, _ ask: () async throws -> Answer) async throws -> Answer {
    guard Terminal.isError else { return try await ask() }
    let clock = Task {
      for seconds in patience... {
        try? await Task.sleep(for: .seconds(seconds == patience ? patience : 1))
        if Task.isCancelled { return }
        StandardError.write("\r\(what): \(seconds) s\u{1B}[K")
      }
    }
    let answer: Result<Answer, any Error>
    do { answer = .success(try await ask()) } catch { answer = .failure(error) }
    // It may be writing still, and what comes next shall stand on a line of its own.
    clock.cancel()
    await clock.value
    StandardError.write("\r\u{1B}[K")
    return try answer.get()
  }
}
