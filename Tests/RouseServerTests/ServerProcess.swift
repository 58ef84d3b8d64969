import Foundation
import NIOCore
import NIOPosix
import RouseTLS
import Testing

/// The real daemon, in a home of its own, on any free port of loopback.
final class ServerProcess {
  let home: URL
  private(set) var port = 0
  private var process = Process()
  private let arguments: [String]
  private let user: UInt32?
  private let environment: [String: String]

  /// The folder of the built binaries, wherever the build was put.
  static let binaries: URL = {
    let arguments = CommandLine.arguments
    for candidate in arguments + [Bundle.main.executablePath ?? ""] where candidate.contains(".xctest") {
      var folder = URL(filePath: candidate)
      while folder.path.contains(".xctest") { folder.deleteLastPathComponent() }
      return folder
    }
    return URL(filePath: arguments[0]).deletingLastPathComponent()
  }()

  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  static func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rouse-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  typealias Ended = (code: Int32, output: [UInt8], error: String)

  /// Runs a binary to its end.
  static func run(
    _ name: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
  ) throws -> Ended {
    try run(binaries.appending(path: name), arguments, input: input, environment: environment)
  }

  static func run(
    _ executable: URL, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
  ) throws -> Ended {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appending(path: $0) }
    try Data(input).write(to: files[0])
    for file in files.dropFirst() { try Data().write(to: file) }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    try process.run()
    process.waitUntilExit()
    return (
      process.terminationStatus, Array(try Data(contentsOf: files[1])),
      String(decoding: try Data(contentsOf: files[2]), as: UTF8.self)
    )
  }

  /// - Parameters:
  ///   - policy: in place of the home's own; the name's ending says its format.
  ///   - arguments: of `run`, beside those that all have.
  ///   - user: as whom it runs, and to whom the home belongs then; only root may choose.
  ///   - environment: beside the tests' own.
  ///   - configure: makes what `server.yaml` shall be of what it is.
  init(
    policy: (name: String, bytes: [UInt8])? = nil, arguments: [String] = [], user: UInt32? = nil,
    environment: [String: String] = [:], configure: (String) -> String = { $0 }
  ) throws {
    let home = try Self.temporaryFolder().appending(path: "home")
    self.home = home
    let made = try Self.run("rouse-server", ["init", home.path])
    guard made.code == 0 else { throw Failed(description: made.error) }
    let file = home.appending(path: "server.yaml")
    var text = try String(contentsOf: file, encoding: .utf8)
    if let policy {
      try Data(policy.bytes).write(to: home.appending(path: policy.name))
      text = text.replacingOccurrences(of: "policy: policy.yaml", with: "policy: \(policy.name)")
    }
    try Data(configure(text).utf8).write(to: file)
    self.arguments = arguments
    self.user = user
    self.environment = environment
    if let user {
      for path in try [home.deletingLastPathComponent().path, home.path]
        + FileManager.default.subpathsOfDirectory(atPath: home.path).map({ home.path + "/" + $0 })
      where chown(path, user, user) != 0 { throw Failed(description: "cannot give \(path) away") }
    }
    try start()
  }

  /// What runs a program as another user and group, without other groups.
  static func changingUser(to user: UInt32) -> [String] {
    ["/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "--no-new-privs"]
  }

  /// Starts it again on what it left behind, once it has ended.
  func restart() throws {
    guard exitCode() != nil else { throw Failed(description: "it does not end") }
    try start()
  }

  private func start() throws {
    let portFile = home.appending(path: "port")
    try? FileManager.default.removeItem(at: portFile)
    process = Process()
    let command =
      (user.map(Self.changingUser) ?? []) + [
        Self.binaries.appending(path: "rouse-server").path, "run", "--config", home.appending(path: "server.yaml").path,
        "--listen", "127.0.0.1:0", "--port-file", portFile.path,
      ] + arguments
    process.executableURL = URL(filePath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let log = home.appending(path: "log")
    if !FileManager.default.fileExists(atPath: log.path) { try Data().write(to: log) }
    let output = try FileHandle(forWritingTo: log)
    try output.seekToEnd()
    process.standardError = output
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    for _ in 0..<6000 {
      if let text = try? String(contentsOf: portFile, encoding: .utf8),
        let port = Int(text.split(separator: ":").last?.dropLast() ?? "")
      {
        self.port = port
        return
      }
      guard process.isRunning else { break }
      usleep(10_000)
    }
    process.terminate()
    throw Failed(description: (try? String(contentsOf: home.appending(path: "log"), encoding: .utf8)) ?? "no log")
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: home.deletingLastPathComponent())
  }

  var isRunning: Bool { process.isRunning }
  /// Its number.
  var identifier: Int { Int(process.processIdentifier) }
  var logText: String { (try? String(contentsOf: home.appending(path: "log"), encoding: .utf8)) ?? "" }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for the end; nil when it does not come within some seconds.
  func exitCode(within seconds: Double = 60) -> Int32? {
    let end = Date().addingTimeInterval(seconds)
    while process.isRunning {
      if Date() > end { return nil }
      usleep(10_000)
    }
    return process.terminationStatus
  }

  func tls(_ name: String) -> String { home.appending(path: "tls/" + name).path }

  /// A peer with the home's client certificate, or without one.
  func connect(withCertificate: Bool = true, first: String = "") async throws -> Peer {
    try await Peer(
      port: port,
      TLSClientSettings(
        caFile: tls("ca.pem"), certificateFile: withCertificate ? tls("client.pem") : nil,
        keyFile: withCertificate ? tls("client.key") : nil), first: Array(first.utf8))
  }
}

/// A client of bytes: what a campaign system in another language would be.
final class Peer: Sendable {
  private let channel: any Channel
  private let inbox: AsyncThrowingStream<[UInt8], any Error>
  private let host = "127.0.0.1"

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let sink: AsyncThrowingStream<[UInt8], any Error>.Continuation
    private var failure: (any Error)?

    private let first: [UInt8]

    init(_ sink: AsyncThrowingStream<[UInt8], any Error>.Continuation, first: [UInt8]) {
      self.sink = sink
      self.first = first
    }

    func channelActive(context: ChannelHandlerContext) {
      if !first.isEmpty { context.writeAndFlush(NIOAny(ByteBuffer(bytes: first)), promise: nil) }
      context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { sink.yield(Array(buffer: unwrapInboundIn(data))) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      failure = error
      context.close(promise: nil)
    }
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case .closedByPeer? = event as? TLSEvent { context.close(promise: nil) }
    }
    func channelInactive(context: ChannelHandlerContext) { sink.finish(throwing: failure) }
  }

  /// - Parameter first: sent as soon as there is a connection, however busy the tests are.
  init(port: Int, _ settings: TLSClientSettings, first: [UInt8] = []) async throws {
    let context = try TLSClientContext(settings)
    let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
    inbox = stream
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([
            TLSHandler(client: context, host: "127.0.0.1"), Collector(continuation, first: first),
          ])
        }
      }
      .connect(host: host, port: port).get()
  }

  func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
  func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  /// Everything until a text has been seen, or until the server closes.
  func read(until marker: String? = nil) async throws -> String {
    var all: [UInt8] = []
    let wanted = marker.map { Array($0.utf8) }
    for try await bytes in inbox {
      all += bytes
      if let wanted, all.count >= wanted.count,
        all.suffix(max(wanted.count, bytes.count + wanted.count)).contains(wanted)
      {
        break
      }
    }
    return String(decoding: all, as: UTF8.self)
  }

  /// All whole lines until the connection ends, however it does.
  func lines() async -> [String] {
    var all: [UInt8] = []
    do {
      for try await bytes in inbox { all += bytes }
    } catch {
      // What came before holds all the same.
    }
    return String(decoding: all, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast().map(String.init)
  }

  /// All lines up to the `count`-th that has `ok` as a member of its own.
  func replies(_ count: Int) async throws -> [String] {
    var all: [UInt8] = []
    var scanned = 0
    var found = 0
    for try await bytes in inbox {
      all += bytes
      while let lf = all[scanned...].firstIndex(of: 0x0A) {
        let line = all[scanned..<lf]
        scanned = lf + 1
        if line.starts(with: #"{"ok":"#.utf8) || line.starts(with: #"{"id":"#.utf8) { found += 1 }
      }
      if found >= count { break }
    }
    return String(decoding: all, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  func close() async { try? await channel.close() }
}

extension Collection where Element == UInt8 {
  fileprivate func contains(_ part: [UInt8]) -> Bool {
    let bytes = Array(self)
    guard part.count <= bytes.count else { return false }
    return (0...(bytes.count - part.count)).contains { bytes[$0..<($0 + part.count)].elementsEqual(part) }
  }
}
