import Foundation
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// Each limit and what happens beyond it, on the session machine.
@Suite struct LimitTests {
  static func limits(_ change: (inout Configuration.Limits) -> Void) -> Configuration.Limits {
    var limits = Configuration.Limits()
    change(&limits)
    return limits
  }

  static let large = #"{"op":"score","valid_until":true,"users":[{"user_id":"a"}]}"# + "\n"

  // MARK: - Time

  @Test func handshakeInTotal() throws {
    let harness = SessionHarness(try .init(), isConnecting: true)
    harness.wait(seconds: 4)
    #expect(!harness.wasAborted)
    harness.wait(seconds: 1)
    #expect(harness.wasAborted)
    #expect(harness.output.isEmpty)
  }

  @Test func wakesAreAskedForWhenSomethingIsDue() throws {
    let harness = SessionHarness(try .init(), isConnecting: true)
    #expect(harness.session.nextWake() == 1 + 5_000_000_000)
    harness.session.begin(SessionHarness.operatorPeer, at: harness.time)
    #expect(harness.session.nextWake() == 1 + 300_000_000_000)
    harness.send("{\"op\":\"pi")
    #expect(harness.session.nextWake() == 1 + 30_000_000_000)
    harness.send("ng\"}\n{\"op\":\"rank\",\"stream\":true,\"timeout_ms\":70}\n")
    #expect(harness.session.nextWake() == 1 + 70_000_000 + 1)
  }

  @Test func partialLineHoweverItDrips() throws {
    let harness = try SessionHarness()
    for _ in 0..<29 {
      harness.send("x")
      harness.wait(seconds: 1)
    }
    #expect(harness.output.isEmpty)
    harness.send("x")
    harness.wait(seconds: 1)
    #expect(harness.lines.count == 1)
    #expect(harness.text.contains(#""code":"incomplete_line""#))
    #expect(harness.session.wantsClose)
  }

  @Test func partialLineOfAStream() throws {
    let harness = try SessionHarness()
    harness.send("{\"op\":\"score\",\"stream\":true,\"id\":9}\n{\"user_id\":\"a\"}\n{\"user_id\":")
    harness.settle()
    harness.wait(seconds: 30)
    #expect(harness.lines.count == 2)
    #expect(harness.lines.last?.hasPrefix(#"{"id":9,"ok":false,"error":{"code":"incomplete_line""#) == true)
  }

  @Test func idle() throws {
    let harness = try SessionHarness()
    harness.wait(seconds: 299)
    harness.send("{\"op\":\"ping\"}\n")
    harness.wait(seconds: 299)
    #expect(!harness.session.wantsClose)
    harness.wait(seconds: 1)
    #expect(harness.lines.last?.contains(#""code":"idle_timeout""#) == true)
    #expect(harness.session.wantsClose)
  }

  /// What takes longer than that to work out is not idle, nor is the moment after it.
  @Test func longWorkIsNotIdle() throws {
    let harness = try SessionHarness()
    harness.send("{\"op\":\"rank\",\"users\":[{\"user_id\":\"a\"}]}\n")
    harness.wait(seconds: 400)
    #expect(!harness.session.wantsClose)
    harness.settle()
    harness.wait(seconds: 299)
    #expect(harness.lines.count == 1)
    #expect(!harness.session.wantsClose)
  }

  @Test func stalledWrite() throws {
    let harness = try SessionHarness()
    harness.setWritable(false)
    harness.wait(seconds: 59)
    #expect(!harness.wasAborted)
    harness.wait(seconds: 1)
    #expect(harness.wasAborted)
  }

  /// Time that a request spent behind another counts: it is answered when its turn comes, and not executed.
  @Test func theDeadlineCoversTheQueue() throws {
    let harness = try SessionHarness()
    harness.send(Self.large + #"{"op":"score","users":[],"timeout_ms":50,"id":2}"# + "\n")
    harness.advanceClock(milliseconds: 60)
    harness.settle()
    #expect(harness.lines.count == 2)
    #expect(harness.lines.last?.hasPrefix(#"{"id":2,"ok":false,"error":{"code":"deadline_exceeded""#) == true)
  }

  /// A job that is under way is not waited for.
  @Test func theDeadlineCoversTheWork() throws {
    let harness = try SessionHarness()
    harness.send(#"{"op":"rank","users":[{"user_id":"a"}],"timeout_ms":50,"id":1}"# + "\n")
    harness.advanceClock(milliseconds: 50)
    harness.wake()
    #expect(harness.output.isEmpty)
    harness.advanceClock(milliseconds: 1)
    harness.wake()
    #expect(harness.lines.count == 1)
    harness.settle()
    harness.send("{\"op\":\"ping\"}\n")
    #expect(harness.lines.count == 2)
  }

  // MARK: - How much at once

  @Test func inFlightHoldsThePeerBack() throws {
    let harness = try SessionHarness(limits: Self.limits { $0.inFlight = 3 })
    harness.send(Self.large)
    #expect(harness.session.wantsBytes)
    harness.send("{\"op\":\"ping\",\"id\":1}\n")
    #expect(harness.session.wantsBytes)
    harness.send("{\"op\":\"ping\",\"id\":2}\n{\"op\":\"ping\",\"id\":3}\n")
    #expect(!harness.session.wantsBytes)
    #expect(harness.output.isEmpty)
    harness.settle()
    #expect(harness.session.wantsBytes)
    #expect(harness.lines.count == 4)
  }

  @Test func unfinishedLinesShareMemory() throws {
    let world = try SessionHarness.World(limits: Self.limits { $0.unfinishedBytes = 4 << 20 })
    let line = String(repeating: "x", count: 900_000)
    var harnesses: [SessionHarness] = []
    for _ in 0..<8 {
      let harness = SessionHarness(world)
      for start in stride(from: 0, to: line.utf8.count, by: 50_000) {
        harness.send(line.utf8.dropFirst(start).prefix(50_000))
      }
      harnesses.append(harness)
    }
    let refused = harnesses.filter { $0.session.wantsClose }
    #expect((2...6).contains(8 - refused.count), "\(8 - refused.count) were held")
    for harness in refused {
      #expect(harness.lines.count == 1)
      #expect(harness.text.contains(#""code":"overloaded""#) && harness.text.contains(#""retry_after_ms":"#))
    }
    #expect(world.memory.used <= 4 << 20)
    // Those that go give it back.
    for harness in harnesses { harness.session.abandon() }
    #expect(world.memory.used == 0)
  }

  @Test func largeReplies() throws {
    let world = try SessionHarness.World(limits: Self.limits { $0.unfinishedBytes = 4 << 20 })
    let request =
      #"{"op":"score","explain":true,"users":["#
      + (0..<400).map { #"{"user_id":"\#($0)"}"# }.joined(separator: ",") + "]}\n"
    let first = SessionHarness(world)
    first.send(request)
    let second = SessionHarness(world)
    second.send(request)
    #expect(second.text.contains(#""code":"overloaded""#))
    #expect(!second.session.wantsClose)
    first.settle()
    #expect(first.lines.count == 1)
    #expect(world.memory.used == 0)
    second.send(request)
    second.settle()
    #expect(second.lines.count == 2)
  }

  @Test func overloadRefusesWhatNeedsAThread() throws {
    let world = try SessionHarness.World()
    let harness = SessionHarness(world)
    world.overload = 120
    harness.send(Self.large)
    #expect(harness.text.contains(#""code":"overloaded""#) && harness.text.contains(#""retry_after_ms":120"#))
    harness.send("{\"op\":\"rank\",\"stream\":true}\n{}\n{\"op\":\"end\"}\n{\"op\":\"score\",\"users\":[{}]}\n")
    #expect(harness.lines.count == 3)
    #expect(harness.lines.last?.hasPrefix(#"{"ok":true"#) == true)
  }

  /// What is not even read waits, is looked at again, and is lost to nothing that comes meanwhile.
  @Test func overloadHoldsOffWhatIsLarge() throws {
    let world = try SessionHarness.World()
    let harness = SessionHarness(world)
    let rest = String(repeating: "x", count: Session.mostOnLoop / 990)
    let users = (0..<990).map { #"{"user_id":"\#($0)","rest":"\#(rest)"}"# }.joined(separator: ",")
    world.overload = 120
    world.mayRefuse = false
    harness.send("{\"op\":\"ping\"}\n{\"op\":\"rank\",\"id\":1,\"users\":[\(users)]}\n{\"op\":\"ping\",\"id\":2}\n")
    #expect(harness.lines.count == 1)
    #expect(!harness.session.wantsBytes)
    #expect(harness.session.nextWake() == harness.time.monotonic + 25_000_000)
    harness.advanceClock(milliseconds: 25)
    harness.wake()
    #expect(harness.lines.count == 1)
    world.overload = nil
    harness.advanceClock(milliseconds: 25)
    harness.wake()
    harness.settle()
    #expect(harness.lines.count == 3)
    #expect(harness.lines[1].hasPrefix(#"{"id":1,"ok":true"#))
    world.overload = 120
    world.mayRefuse = true
    harness.send("{\"op\":\"rank\",\"users\":[\(users)]}\n")
    #expect(harness.lines.last?.contains("overloaded") == true)
  }

  @Test func ranksShareMemory() throws {
    let world = try SessionHarness.World(limits: Self.limits { $0.rankBytes = 1 << 20 })
    let harness = SessionHarness(world)
    harness.send("{\"op\":\"rank\",\"stream\":true,\"id\":1}\n")
    for block in 0..<80 {
      harness.send((0..<500).map { "{\"user_id\":\"\(block * 500 + $0)\"}\n" }.joined())
      harness.settle()
    }
    harness.send("{\"op\":\"end\"}\n{\"op\":\"ping\"}\n")
    harness.settle()
    #expect(harness.lines.count == 2, "\(harness.lines.count)")
    #expect(harness.lines.first?.contains(#""code":"overloaded""#) == true)
    #expect(harness.lines.last == #"{"ok":true}"#)
    #expect(world.rankMemory.used == 0)
  }

  /// Room for more at once is taken while a stream comes thickly, and given back after it.
  @Test func wideStreamsGiveBack() throws {
    let world = try SessionHarness.World()
    let harness = SessionHarness(world)
    harness.send("{\"op\":\"score\",\"stream\":true}\n")
    let candidates = try Vectors.bytes("golden/candidates.ndjson")
    harness.send(candidates)
    #expect(world.memory.used > 0)
    harness.settle()
    harness.send("{\"op\":\"end\"}\n")
    harness.settle()
    #expect(harness.lines.count == 1998 + 1)
    #expect(world.memory.used == 0)
  }

  @Test func overTheLimitOfConnections() throws {
    let harness = SessionHarness(try .init(), isRefused: true)
    #expect(harness.lines.count == 1)
    #expect(harness.text.contains(#""code":"overloaded""#) && harness.text.contains(#""retry_after_ms":"#))
    #expect(harness.session.wantsClose)
  }

  // MARK: - Rate

  @Test func ratesAreOfIdentities() throws {
    let world = try SessionHarness.World(limits: Self.limits { $0.requestsPerSecond = 3 })
    let one = SessionHarness(world)
    let other = SessionHarness(world)
    one.send(String(repeating: "{\"op\":\"info\"}\n", count: 2))
    other.send(String(repeating: "{\"op\":\"info\"}\n", count: 2))
    #expect(one.lines.count == 2)
    #expect(other.lines.first?.contains(#""ok":true"#) == true)
    #expect(other.lines.last?.contains(#""code":"rate_limited""#) == true)
    #expect(other.lines.last?.contains(#""retry_after_ms":334"#) == true, "\(other.lines)")
    // Pings are free, and so is what is no request.
    other.send(String(repeating: "{\"op\":\"ping\"}\nnonsense\n", count: 5))
    one.advanceClock(milliseconds: 334)
    one.send("{\"op\":\"info\"}\n")
    #expect(one.lines.last?.contains(#""ok":true"#) == true)
  }

  @Test(arguments: 0..<50) func bucketsNeverGiveMore(_ seed: UInt64) {
    var random = SplitMix(state: seed)
    let rate = Int.random(in: 1...2000, using: &random)
    let bucket = RateBucket(rate: rate)
    var now: UInt64 = 5_000_000_000
    let start = now
    var taken = 0
    for _ in 0..<5000 {
      if let wait = bucket.take(now: now) {
        #expect(wait > 0)
        if Bool.random(using: &random) {
          now += UInt64(wait) * 1_000_000
          #expect(bucket.take(now: now) == nil)
          taken += 1
        }
      } else {
        taken += 1
      }
      now += UInt64.random(in: 0...2_000_000_000 / UInt64(rate), using: &random)
      let most = UInt64(rate) + (now - start) * UInt64(rate) / 1_000_000_000 + 1
      #expect(UInt64(taken) <= most)
    }
  }
}
