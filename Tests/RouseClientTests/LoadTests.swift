import RouseWire
import Testing

@testable import RouseClient

@Suite("A load's figures")
struct LoadTests {
  private static let candidates = (0..<5).map { Array("{\"user_id\":\"\($0)\"}".utf8) }

  private func text(_ requests: LoadRequests, _ index: Int) -> String {
    String(decoding: requests.bytes[requests.starts[index]..<requests.starts[index + 1]], as: UTF8.self)
  }

  @Test("Each request is a line with its place as its id")
  func requests() throws {
    var settings = RequestLine("score")
    settings.set("explain", json: "true")
    let requests = LoadRequests(Self.candidates, batch: 2, settings: settings)
    #expect(requests.count == 3)
    #expect(
      text(requests, 1)
        == #"{"op":"score","explain":true,"id":1,"users":[{"user_id":"2"},{"user_id":"3"}]}"# + "\n")
    #expect(text(requests, 2) == #"{"op":"score","explain":true,"id":2,"users":[{"user_id":"4"}]}"# + "\n")
    #expect((0..<3).map(requests.users) == [2, 2, 1])
  }

  @Test("A write ends at the last request, and at 256 KiB unless one alone is longer")
  func runs() {
    let requests = LoadRequests(Self.candidates, batch: 1, settings: RequestLine("score"))
    #expect(requests.run(from: 0, most: 3) == 3)
    #expect(requests.run(from: 3, most: 9) == 2)
    #expect(requests.run(from: 3, most: 0) == 0)
    let long = Array(repeating: Array(repeating: UInt8(0x61), count: 100_000), count: 4)
    #expect(LoadRequests(long, batch: 1, settings: RequestLine("score")).run(from: 0, most: 4) == 2)
    let longer = [Array(repeating: UInt8(0x61), count: 300_000)]
    #expect(LoadRequests(longer, batch: 1, settings: RequestLine("score")).run(from: 0, most: 4) == 1)
  }

  @Test("However many requests, they are dealt to the threads without one lost", arguments: [1, 7, 1000, Int.max])
  func shares(requests: Int) {
    for threads in [1, 2, 3, 7, 1024] {
      let shares = (0..<threads).compactMap { LoadLength.requests(requests).share(of: $0, threads) }
      #expect(shares.count == threads && shares.reduce(0, +) == requests)
      #expect(shares.allSatisfy { abs($0 - shares[0]) <= 1 })
    }
    #expect(LoadLength.seconds(1).share(of: 0, 2) == nil)
  }

  @Test("Percentiles are those of the sorted latencies, to three digits")
  func percentiles() {
    var tally = LoadTally()
    // 1 to 10,000 microseconds, each once, in two parts and in no order.
    var other = LoadTally()
    for number in 0..<10_000 {
      let nanoseconds = UInt64((number * 7919) % 10_000 + 1) * 1000
      if number < 3000 { tally.latencies.record(nanoseconds) } else { other.latencies.record(nanoseconds) }
    }
    (tally.requests, other.requests) = (3000, 7000)
    (tally.users, other.users) = (6000, 14_000)
    (tally.errors, other.errors) = (["a": 1], ["a": 2, "b": 3])
    tally.add(other)
    let report = LoadReport(tally, seconds: 2, cpu: 1, serverCPU: nil)
    #expect(report.requests == 10_000 && report.users == 20_000 && report.errors == ["a": 3, "b": 3])
    for (percentile, expected) in [(50, 0.005), (90, 0.009), (99, 0.0099), (99.9, 0.00999)] {
      #expect(abs(report.latency(atPercentile: percentile) - expected) < expected * 0.002)
    }
    #expect(abs(report.longestLatency - 0.01) < 0.00002)
  }

  @Test("A process uses time and memory, and one that is not there none")
  func processes() throws {
    let before = ProcessUse.own.cpu
    var sum = 0
    while ProcessUse.own.cpu - before < 0.05 { sum &+= 1 }
    #expect(sum > 0)
    let seen = try #require(ProcessUse(of: 1))
    #expect(seen.cpu >= 0 && seen.resident >= 0)
    #expect(ProcessUse(of: Int(Int32.max)) == nil)
  }
}
