import Foundation
import Glibc
import RouseServer
import Testing

/// A socket that outlives the servers that take it.
@Suite struct InheritedSocketTests {
  @Test func connectionsWaitBetweenTwoServers() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let home = folder.appending(path: "home").path
    #expect(try ServerProcess.run("rouse-server", ["init", home]).code == 0)
    let socket = try ListeningSocket()
    defer { close(socket.descriptor) }
    let ping = ["ping", "--profile", home + "/client.yaml", "--server", "127.0.0.1:\(socket.port)"]

    let first = try run(home, socket)
    #expect(try ClientRun(ping).code == 0)
    first.terminate()
    first.waitUntilExit()
    #expect(first.terminationStatus == 0)

    // Nobody serves it now, and nobody is refused: the client waits until the next one does.
    let client = Process()
    client.executableURL = ServerProcess.binaries.appending(path: "rouse")
    client.arguments = ping
    client.standardOutput = FileHandle.nullDevice
    try client.run()
    usleep(500_000)
    #expect(client.isRunning)
    let second = try run(home, socket)
    client.waitUntilExit()
    #expect(client.terminationStatus == 0)
    second.terminate()
    second.waitUntilExit()
    #expect(second.terminationStatus == 0)
  }

  /// With the socket as LISTEN_FDS says it: descriptor 3, and our own number in LISTEN_PID.
  private func run(_ home: String, _ socket: ListeningSocket) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c", "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=rouse exec \"$0\" run --config \"$1\" 3<&0 </dev/null",
      ServerProcess.binaries.appending(path: "rouse-server").path, home + "/server.yaml",
    ]
    process.standardInput = FileHandle(fileDescriptor: socket.descriptor, closeOnDealloc: false)
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  @Test func onlyListeningSocketsMeantForUs() throws {
    let socket = try ListeningSocket()
    defer { close(socket.descriptor) }
    func all(_ environment: [String: String]) throws -> [InheritedSocket] {
      try InheritedSocket.all(environment: environment, process: 7, first: socket.descriptor)
    }
    #expect(try all([:]).isEmpty)
    #expect(try all(["LISTEN_FDS": "1"]).isEmpty)
    #expect(try all(["LISTEN_FDS": "1", "LISTEN_PID": "8"]).isEmpty)
    for name in ["rouse", "", "unknown", "rouse-server.socket"] {
      let taken = try all(["LISTEN_FDS": "1", "LISTEN_PID": "7", "LISTEN_FDNAMES": name])
      #expect(taken.map(\.address) == [Address(host: "127.0.0.1", port: socket.port)])
    }
    #expect(throws: ConfigurationError.self) {
      try all(["LISTEN_FDS": "1", "LISTEN_PID": "7", "LISTEN_FDNAMES": "rousse"])
    }
    for count in ["-1", "65", "x"] {
      #expect(throws: ConfigurationError.self) { try all(["LISTEN_FDS": count, "LISTEN_PID": "7"]) }
    }
    // Not a socket; and a socket that does not listen.
    let plain = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    let file = open("/dev/null", O_RDONLY)
    defer {
      close(plain)
      close(file)
    }
    for first in [plain, file] {
      #expect(throws: ConfigurationError.self) {
        try InheritedSocket.all(environment: ["LISTEN_FDS": "1", "LISTEN_PID": "7"], process: 7, first: first)
      }
    }
  }
}

/// On any free port of loopback.
private struct ListeningSocket {
  let descriptor: CInt
  let port: Int

  init() throws {
    descriptor = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let made = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    try #require(made)
    port = Int(UInt16(bigEndian: address.sin_port))
  }
}
