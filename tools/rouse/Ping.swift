import ArgumentParser
import RouseClient

struct Ping: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a server whether it is there.",
    discussion: """
      Connects, checks the certificate, and asks. Exit code 0 means that it answered.

        rouse ping --profile home/client.yaml
        rouse ping --server 127.0.0.1:7411 --ca home/tls/ca.pem
      """)

  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() async throws {
    let client = try connection.client()
    let (line, took) = try await client.withConnection { connection in
      let start = ContinuousClock.now
      let reply = try await connection.request(RequestLine("ping").line)
      return (reply.line, ContinuousClock.now - start)
    }
    guard output.isTable else { return try StandardOutput().write(line: line) }
    let tenths = Int(took.inSeconds * 10_000)
    try StandardOutput().write("\(client.endpoint) answers, in \(tenths / 10).\(tenths % 10) ms\n")
  }
}
