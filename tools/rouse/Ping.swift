import ArgumentParser
import RouseClient

struct Ping: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a server whether it is there.",
    discussion: """
      Connects, checks the certificate, and asks. Exit code 0 means that it answered.

        rouse ping --profile home/client.yaml
        rouse ping --server 127.0.0.1:7411 --ca home/tls/ca.pem

      A server that has just been started may need a moment, and with a large ledger some seconds:

        rouse-server run --config home/server.yaml &
        rouse ping --profile home/client.yaml --wait 30
      """)

  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @Option(help: ArgumentHelp("Try again for so long while there is no connection.", valueName: "seconds"))
  var wait = 0

  func validate() throws {
    guard (0...86_400).contains(wait) else { throw ValidationError("--wait takes 0 to 86400 seconds") }
  }

  func run() async throws {
    let client = try connection.client()
    let deadline = ContinuousClock.now + .seconds(wait)
    let (line, took) = try await answer(client, until: deadline)
    guard output.isTable else { return try StandardOutput().write(line: line) }
    let tenths = Int(took.inSeconds * 10_000)
    try StandardOutput().write("\(client.endpoint) answers, in \(tenths / 10).\(tenths % 10) ms\n")
  }

  /// The answer and its time. Only a connection that does not come about is tried again: who answers otherwise is there.
  private func answer(_ client: Client, until deadline: ContinuousClock.Instant) async throws -> ([UInt8], Duration) {
    while true {
      do {
        return try await client.withConnection { connection in
          let start = ContinuousClock.now
          let reply = try await connection.request(RequestLine("ping").line)
          return (reply.line, ContinuousClock.now - start)
        }
      } catch ClientError.cannotConnect where ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }
}
