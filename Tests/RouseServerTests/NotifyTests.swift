import Foundation
import Glibc
import RouseServer
import Testing

/// What a service manager hears.
@Suite struct NotifyTests {
  @Test(arguments: [true, false]) func daemonTellsItsManager(isAbstract: Bool) throws {
    let manager = try FakeManager(isAbstract: isAbstract)
    let server = try ServerProcess(environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000"])
    #expect(manager.next { $0 == "READY=1" })
    #expect(manager.next { $0.hasPrefix("STATUS=policy cash-loan-recall@") && $0.hasSuffix(", connections 0") })
    #expect(manager.next { $0 == "WATCHDOG=1" })
    #expect(manager.next { $0 == "WATCHDOG=1" })

    server.signal(SIGHUP)
    #expect(manager.next { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") })
    #expect(manager.next { $0 == "READY=1" })

    // A server that cannot do its work says nothing.
    server.signal(SIGSTOP)
    usleep(100_000)
    manager.forget()
    #expect(manager.isSilent(for: 1))
    server.signal(SIGCONT)
    #expect(manager.next { $0 == "WATCHDOG=1" })

    server.signal(SIGTERM)
    #expect(manager.next { $0 == "STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000" })
    #expect(server.exitCode() == 0)
  }

  /// It listens before it says so.
  @Test func readyMeansThatItAnswers() throws {
    let manager = try FakeManager(isAbstract: true)
    let server = try ServerProcess(environment: ["NOTIFY_SOCKET": manager.name])
    #expect(manager.next { $0 == "READY=1" })
    #expect(try ClientRun(["ping", "--profile", server.profile()]).code == 0)
    // Without WATCHDOG_USEC nobody waits for signs of life.
    #expect(manager.next { $0.hasPrefix("STATUS=") })
    #expect(manager.isSilent(for: 1))
  }

  @Test func noSocketNoWord() throws {
    #expect(try NotifySocket(environment: [:]) == nil)
    #expect(try NotifySocket(environment: ["NOTIFY_SOCKET": ""]) == nil)
    for path in ["relative", "@", "/", "/" + String(repeating: "x", count: 200)] {
      #expect(throws: ConfigurationError.self) { try NotifySocket(environment: ["NOTIFY_SOCKET": path]) }
    }
    // Nobody reads there any more: no harm.
    let gone = try #require(try NotifySocket(environment: ["NOTIFY_SOCKET": "/nowhere/at/all"]))
    #expect(!gone.say("READY=1"))
  }

  @Test func watchdogOfAnother() throws {
    func watchdog(_ more: [String: String]) throws -> Duration? {
      try NotifySocket(environment: more.merging(["NOTIFY_SOCKET": "@none"]) { $1 }, process: 7)?.watchdog
    }
    #expect(try watchdog(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
    #expect(try watchdog(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]) == .seconds(30))
    #expect(try watchdog(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"]) == nil)
    for text in ["0", "-1", "x", ""] { #expect(try watchdog(["WATCHDOG_USEC": text]) == nil) }
  }
}

/// Stands in for systemd: the socket at which it would listen.
private final class FakeManager {
  /// For NOTIFY_SOCKET.
  let name: String
  private let descriptor: CInt
  private let folder: URL

  init(isAbstract: Bool) throws {
    folder = try ServerProcess.temporaryFolder()
    name = isAbstract ? "@rouse-test-\(UUID().uuidString)" : folder.path + "/notify"
    descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if isAbstract { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let size = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, size) }
    }
    try #require(bound == 0)
  }

  deinit {
    close(descriptor)
    try? FileManager.default.removeItem(at: folder)
  }

  private func receive(within seconds: Double) -> String? {
    var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&wait, 1, CInt(seconds * 1000)) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// Whether such a datagram comes within some seconds; others before it are passed over.
  func next(_ isIt: (String) -> Bool) -> Bool {
    let end = Date().addingTimeInterval(60)
    while Date() < end { if let text = receive(within: 1), isIt(text) { return true } }
    return false
  }

  /// Throws away what has come.
  func forget() { while receive(within: 0) != nil {} }

  func isSilent(for seconds: Double) -> Bool { receive(within: seconds) == nil }
}
