import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// The wire vectors against the session machine: whole, byte by byte, and in random pieces with work done in any order.
@Suite struct ConformanceSessionTests {
  private static let stillThere = Array("{\"op\":\"ping\",\"id\":\"still-there\"}\n".utf8)
  private static let pong = Array("{\"id\":\"still-there\",\"ok\":true}\n".utf8)

  /// Bytes longer than this are not sent one by one.
  private static let mostSingly = 20_000

  @Test(arguments: WireCase.all.filter { !$0.isOfServer }) func conversation(_ vector: WireCase) throws {
    try run(vector) { $0.count }
    if vector.bytes.count <= Self.mostSingly { try run(vector) { _ in 1 } }
    for seed in 1...2 {
      var random = SplitMix(state: UInt64(seed))
      let most = seed == 1 ? 40 : 3000
      try run(vector, random: seed) { rest in
        min(rest.count, Int.random(in: 1...max(most, rest.count / 50), using: &random))
      }
    }
  }

  /// - Parameter size: of the next piece, given what is left.
  private func run(_ vector: WireCase, random seed: Int? = nil, size: (ArraySlice<UInt8>) -> Int) throws {
    let profile = try #require(WireProfile.all[vector.profileName])
    let world = try SessionHarness.World(
      limits: Self.limits(profile), roles: Self.roles(profile.roles), tokens: Self.tokens(profile),
      keepsLedger: profile.ledger ?? false)
    let vector = vector.filled(Self.marks(vector, now: SessionHarness.wall))
    let harness = SessionHarness(world, identified: !vector.isNobody)
    var random = SplitMix(state: UInt64(seed ?? 0))
    let isOpen = vector.then == .open && !vector.endsInput
    for part in vector.send + (isOpen ? [.bytes(Self.stillThere)] : []) {
      switch part {
      case .pause(let milliseconds):
        harness.settle()
        harness.advanceClock(milliseconds: milliseconds)
        harness.wake()
      case .answered(let name, let nth):
        harness.settle()
        let text = try #require(WireCase.text(of: name, nth: nth, in: harness.output), "\(harness.text.suffix(500))")
        harness.send(text)
      case .bytes(let bytes):
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = max(1, size(rest))
          harness.send(rest.prefix(count))
          rest = rest.dropFirst(count)
          if seed == nil { harness.settle() }
          while seed != nil, Bool.random(using: &random), harness.runJob(using: &random) {}
        }
      }
    }
    while harness.runJob(using: &random) {}
    if vector.endsInput { harness.endInput() }
    if vector.waitsForTimers { harness.wait(seconds: 5) }
    var output = harness.output
    if isOpen {
      #expect(
        output.suffix(Self.pong.count) == Self.pong[...], "the next request is answered; \(harness.text.suffix(300))")
      output.removeLast(min(output.count, Self.pong.count))
    }
    #expect(harness.session.wantsClose == !isOpen)
    if let fault = vector.fault(in: output) { Issue.record("\(vector.name): \(fault)") }
  }

  private static let experiment = Result {
    try PolicyStore.read(file: Vectors.folder.appending(path: "policy.yaml").path, now: 0).live.policy.experiment
  }

  /// - Parameter now: seconds since 1970, by the clock of whoever runs it.
  static func marks(_ vector: WireCase, now: Int64) -> WireCase.Marks {
    WireCase.Marks(for: vector, now: Moment.format(now)) { user in
      guard let experiment = try? experiment.get() else { return "" }
      let drawn = Array(user.utf8).withUnsafeBytes { experiment.shares($0) }
      return drawn.share < drawn.holdoutBelow ? "holdout" : drawn.share < drawn.exploreBelow ? "explore" : "policy"
    }
  }

  static func limits(_ profile: WireProfile) throws -> Configuration.Limits {
    var limits = Configuration.Limits()
    for (name, value) in profile.limits {
      switch name {
      case "line_bytes": limits.lineBytes = value
      case "inline_candidates": limits.inlineCandidates = value
      case "stream_candidates": limits.streamCandidates = value
      case "partial_line_seconds": limits.partialLineSeconds = value
      case "idle_seconds": limits.idleSeconds = value
      case "requests_per_second": limits.requestsPerSecond = value
      default: Issue.record("the profile asks for a limit that this test does not know: \(name)")
      }
    }
    return limits
  }

  static func roles(_ names: [String]) -> Set<Configuration.Role> {
    Set(names.compactMap(Configuration.Role.init(rawValue:)))
  }

  static func tokens(_ profile: WireProfile) -> Tokens {
    Tokens(
      (profile.tokens ?? [:]).compactMap { name, token in
        Token(name: name, roles: roles(token.roles), added: token.added, sha256: Vectors.bytes(hex: token.sha256))
      })
  }
}
