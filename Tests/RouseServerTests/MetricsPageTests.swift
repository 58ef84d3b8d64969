import Foundation
import NIOPosix
import RouseWire
import Synchronization
import Testing

@testable import RouseServer

/// `/metrics` is made off the event loops, once a second at most, and of names that are still somebody's.
struct MetricsPageTests {
  private final class Clock: Sendable {
    let nanoseconds = Atomic<UInt64>(5)
  }

  @Test func askersOfASecondShareAPage() async throws {
    let pool = WorkPool(threads: 1)
    let (clock, made, gate) = (Clock(), Clock(), DispatchSemaphore(value: 0))
    let now: @Sendable () -> UInt64 = { clock.nanoseconds.load(ordering: .relaxed) }
    let page = MetricsPage(pool, clock: now) { out in
      gate.wait()
      out.write("page \(made.nanoseconds.wrappingAdd(1, ordering: .relaxed).newValue)")
    }
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    // Nobody is answered before the page is made, and the loop turns meanwhile.
    let first = (0..<20).map { _ in page.text(loop) }
    #expect(try await loop.submit { 1 }.get() == 1)
    gate.signal()
    for answer in first { #expect(String(buffer: try await answer.get()) == "page 6") }
    clock.nanoseconds.store(5 + MetricsPage.kept - 1, ordering: .relaxed)
    #expect(String(buffer: try await page.text(loop).get()) == "page 6")
    clock.nanoseconds.store(5 + MetricsPage.kept, ordering: .relaxed)
    gate.signal()
    #expect(String(buffer: try await page.text(loop).get()) == "page 7")
    await pool.shutDown()
    clock.nanoseconds.store(5 + 2 * MetricsPage.kept, ordering: .relaxed)
    await #expect(throws: (any Error).self) { try await page.text(loop).get() }
    // A reviewer's hours and a scrape are no load, by which requests are refused.
    #expect(pool.backlog == 0)
  }

  @Test func namesThatAreNoMoreGo() {
    let meters = Meters()
    for name in ["anna", "other", "gone"] { meters.of(name).answered.increment(by: 2) }
    meters.chosen(stage: "granted", channel: "sms", 3)
    meters.chosen(stage: "granted", channel: "fax", 4)
    meters.keep(identities: { $0 == "anna" }, contacts: { $0.channel == "sms" })
    #expect(meters.identityCounts.map(\.name) == ["anna", "other"])
    #expect(meters.contactCounts.map(\.channel) == ["sms"])
    var out = ByteWriter()
    meters.registry.write(into: &out)
    let text = String(decoding: out.bytes, as: UTF8.self)
    #expect(text.contains("rouse_identity_requests_total{identity=\"anna\",result=\"ok\"} 2\n"))
    #expect(text.contains("rouse_contacts_total{stage=\"granted\",channel=\"sms\"} 3\n"))
    #expect(!text.contains("gone") && !text.contains("fax"))
    // One that comes back begins anew.
    meters.of("gone").answered.increment(by: 1)
    #expect(meters.counts(of: "gone").answered == 1)
  }

  @Test func namesAreOfBoundedNumber() {
    let meters = Meters()
    for number in 0..<(Meters.mostNames + 50) {
      meters.of("i\(number)").failed.increment(by: 1)
      meters.chosen(stage: "s\(number)", channel: "sms", 2)
    }
    #expect(meters.identityCounts.count == Meters.mostNames + 1)
    #expect(meters.counts(of: "other").failed == 50)
    #expect(meters.contactCounts.count == Meters.mostNames + 1)
    #expect(meters.contactCounts.first { $0.stage == "other" }?.count == 100)
  }
}
