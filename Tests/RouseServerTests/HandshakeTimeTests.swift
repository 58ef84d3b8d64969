import Foundation
import TestPeers
import Testing

/// The time for a handshake is one for all of it, however it is spent.
@Suite(.serialized) struct HandshakeTimeTests {
  private static let hello = ClientHello().record

  private static let slow: [(name: String, first: [UInt8], drips: [UInt8])] = [
    ("silence", [], []),
    ("half a hello", Array(hello.prefix(50)), []),
    ("a hello, a byte at a time", [], hello),
    ("a hello, and then nothing", hello, []),
    // Each a record, so each is progress of a kind.
    ("empty records", [], (0..<20).flatMap { _ in ClientHello.record(22, []) }),
  ]

  @Test func endsInTime() throws {
    let server = try ServerProcess(configure: {
      $0.replacing("handshake_seconds: 5", with: "handshake_seconds: 1")
    })
    for (name, first, drips) in Self.slow {
      let socket = try OddSocket(port: server.port)
      let began = ContinuousClock.now
      socket.send(first)
      // Ten a second: the hello alone takes 15 seconds.
      for byte in drips {
        guard ContinuousClock.now - began < .seconds(6), socket.send([byte]) else { break }
        usleep(100_000)
      }
      let end = socket.receiveAll().end
      #expect(end == .end || end == .reset, "\(name): \(end)")
      #expect(ContinuousClock.now - began < .seconds(6), "\(name)")
    }
    #expect(server.isRunning)
  }
}
