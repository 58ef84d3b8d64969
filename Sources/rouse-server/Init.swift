import ArgumentParser
import Foundation
import RouseServer

struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a home that runs at once.",
    discussion: """
      Writes into DIR: server.yaml (what the operator decides), policy.yaml (what the risk team decides; the cash-loan
      example), client.yaml (the client's profile), and tls/ with a private authority and certificates for localhost,
      127.0.0.1 and ::1, valid 90 days. client.pem has every role. The authority's key is not kept. Nothing that is there
      is overwritten.
      """)

  @Argument(help: "The folder; it is made if it is not there.", completion: .directory)
  var directory: String

  func run() throws {
    let files = try Home.make(at: directory, now: wallClock())
    for file in files { print("\(directory)/\(file)") }
    print("next: rouse-server run --config \(directory)/server.yaml")
  }
}
