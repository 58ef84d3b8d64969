import ArgumentParser
import RouseServer

struct Renew: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Renew the certificates that init made.",
    discussion: """
      Makes a new private authority, and with it new certificates for the server (with the names and addresses that it \
      has) and for the client, valid 90 days. They take the place of the old ones, with the modes and owners of these. A \
      server that runs takes them over by itself. The old authority stays trusted until it ends, so clients that have \
      certificates from it still get in.

        rouse-server renew home

      Clients on other machines must know the new authority before the server shows its new certificate. Then it takes \
      two steps:
        rouse-server renew home --announce     the next authority is added to tls/ca.pem: hand that file out
        rouse-server renew home                take the announced certificates into use

      From a timer, doing nothing until it is time:
        rouse-server renew home --within 20

      A home with certificates of any other authority is refused: those are renewed where they come from. Exit code 0: \
      done, or not yet needed; 2: refused, with the reason.
      """)

  @Argument(help: "The home: the folder with server.yaml.", completion: .directory)
  var directory: String

  @Flag(help: "Make the next certificates and trust their authority, but do not use them yet.")
  var announce = false

  @Option(help: ArgumentHelp("Only if a certificate ends within so many days.", valueName: "days"))
  var within: Int?

  func validate() throws {
    if let within, !(0...3650).contains(within) { throw ValidationError("--within is a number of days, 0 to 3650") }
  }

  func run() throws {
    var renewal = try HomeRenewal(home: directory, now: wallClock())
    if let within, !renewal.ends(withinDays: within) {
      return print("nothing to do: the first certificate ends \(renewal.firstEnd)")
    }
    try renewal.run(announce ? .announce : .renew)
    for line in renewal.lines { print(line) }
  }
}
