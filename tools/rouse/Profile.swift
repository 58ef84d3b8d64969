import Foundation
import RousePolicy

/// A client.yaml: where the server is and which files to use. Paths are relative to it.
struct Profile {
  let server: String?
  let ca: String?
  let cert: String?
  let key: String?
  let serverName: String?
  let tokenFile: String?

  init(file: String) throws {
    let bytes = try FileInput.contents(of: file, most: 1 << 20)
    do throws(PolicyDiagnostics) {
      let report = Report()
      let document = try Document.parse(yaml: bytes)
      let settings = document.settings(
        needed: [], optional: ["server", "ca", "cert", "key", "server_name", "token_file"], report: report)
      let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
      func path(_ key: String) -> String? {
        settings?.text(key).map { URL(fileURLWithPath: $0, relativeTo: folder).path }
      }
      server = settings?.text("server")
      ca = path("ca")
      cert = path("cert")
      key = path("key")
      serverName = settings?.text("server_name")
      tokenFile = path("token_file")
      try report.finish()
    } catch {
      throw Failure(.usage, error.all.map { $0.line(file: file) }.joined(separator: "\n"))
    }
  }
}
