import Foundation
import RouseTLS
import TestPeers

/// A directory with a full set of certificates, removed with its owner.
final class TestHome: Sendable {
  let directory: URL
  static var now: Int64 { Int64(Date().timeIntervalSince1970) }

  init(now: Int64 = TestHome.now, days: Int = 90, serverNames: [String] = ["localhost"]) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("rouse-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let issued = try HomeCertificates.make(now: now, days: days, serverNames: serverNames)
    try write(issued.caPEM, "ca.pem")
    try write(issued.serverPEM, "server.pem")
    try write(issued.serverKeyPEM, "server.key")
    try write(issued.clientPEM, "client.pem")
    try write(issued.clientKeyPEM, "client.key")
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: directory.appendingPathComponent(name))
    return path(name)
  }

  func serverSettings(_ policy: ClientCertificatePolicy = .requested) -> TLSServerSettings {
    TLSServerSettings(
      certificateChainFile: path("server.pem"), privateKeyFile: path("server.key"),
      clientCAFile: policy == .none ? nil : path("ca.pem"), clientCertificate: policy)
  }

  /// Settings for clients of another authority than the home's, and its revocation list.
  func serverSettings(clientsOf authority: TestAuthority, list: [UInt8]? = nil) throws -> TLSServerSettings {
    var settings = serverSettings()
    settings.clientCAFile = try write(authority.certificate.pem, "clients.pem")
    settings.clientCRLFile = try list.map { try write($0, "crl.pem") }
    return settings
  }

  /// A client with that certificate.
  func client(_ certificate: TestCertificate) throws -> TLSClientContext {
    try TLSClientContext(
      TLSClientSettings(
        caFile: path("ca.pem"), certificateFile: try write(certificate.pem, "other.pem"),
        keyFile: try write(certificate.keyPEM, "other.key")))
  }

  func server(_ policy: ClientCertificatePolicy = .requested) throws -> TLSServerContext {
    try TLSServerContext(serverSettings(policy))
  }

  func client(certificate: Bool = true, name: String? = nil) throws -> TLSClientContext {
    try TLSClientContext(
      TLSClientSettings(
        caFile: path("ca.pem"), certificateFile: certificate ? path("client.pem") : nil,
        keyFile: certificate ? path("client.key") : nil, serverName: name))
  }
}

/// Runs a program with `input` on its standard input; its exit code, output and errors together.
func run(_ arguments: [String], input: String = "") throws -> (code: Int32, output: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  let output = Pipe()
  let feed = Pipe()
  process.standardOutput = output
  process.standardError = output
  process.standardInput = feed
  try process.run()
  feed.fileHandleForWriting.write(Data(input.utf8))
  try feed.fileHandleForWriting.close()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (process.terminationStatus, text)
}

let hasOpenSSLCommand = (try? run(["openssl", "version"]).code) == 0
