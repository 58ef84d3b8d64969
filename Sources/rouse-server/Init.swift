import ArgumentParser
import Foundation
import RouseServer

struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a home that runs at once.",
    discussion: """
      Writes into DIR: server.yaml (what the operator decides), policy.yaml (what the risk team decides; the cash-loan
      example), client.yaml (the client's profile), and tls/ with a private authority and certificates for localhost,
      127.0.0.1 and ::1, valid 90 days ('rouse-server renew' renews them). client.pem has every role. The authority's key
      is not kept. Nothing that is there is overwritten.

        rouse-server init home
        rouse-server init home --host rouse.example.com --host 10.1.2.3
        rouse-server init /etc/rouse --state /var/lib/rouse

      With --state the policy, the ledger and the audit log, which the server itself writes, stand in that folder.
      """)

  @Argument(help: "The folder; it is made if it is not there.", completion: .directory)
  var directory: String

  @Option(help: "The folder of what the server writes, if it is another.", completion: .directory)
  var state: String?

  @Option(
    help: ArgumentHelp("A name or an address by which clients reach the server; may be repeated.", valueName: "host"))
  var host: [String] = []

  func run() throws {
    let state = state.map { URL(filePath: $0).standardizedFileURL.path(percentEncoded: false) }
    let files = try Home.make(at: directory, state: state, hosts: host, now: wallClock())
    for file in files { print(file) }
    print("next: rouse-server run --config \(directory)/server.yaml")
  }
}
