import ArgumentParser
import Foundation
import RouseClient
import RouseCore

/// What moment is looked at, and by which policy.
struct MomentOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The moment to decide for, such as 2026-03-01T10:00:00+08:00; by default, now.", valueName: "time"))
  var asOf: String?

  @Option(help: ArgumentHelp("Insist on this version of the server's policy: NAME@HEX.", valueName: "version"))
  var policyVersion: String?

  func validate() throws {
    if let asOf, Moment.parse(asOf) == nil {
      throw ValidationError(
        "'\(asOf)' for --as-of is no RFC 3339 time with an offset, such as 2026-03-01T10:00:00+08:00")
    }
  }

  /// Seconds since 1970.
  var now: Int64 { asOf.flatMap(Moment.parse) ?? Int64(time(nil)) }

  func set(on request: inout RequestLine) {
    request.set("as_of", text: asOf)
    request.set("policy", text: policyVersion)
  }
}

/// What score, rank and explain share: where the candidates are, and what moment they are looked at.
struct InputOptions: ParsableArguments {
  @Flag(help: "The input is CSV, whatever its name.")
  var csv = false

  @OptionGroup(title: "Input") var moment: MomentOptions
  @OptionGroup(title: "Input") var adaptation: InputAdaptation

  func source(_ path: String?, kinds: @autoclosure () async throws -> [String: FieldKind]) async throws
    -> any CandidateSource
  {
    let input = try FileInput(path)
    guard Self.isCSV(path, csv) else { return adaptation.adapt(LineSource(input)) }
    return adaptation.adapt(
      try CSVSource(
        input, kinds: try await kinds(), needsUserID: !adaptation.givesUserID, utcOffset: adaptation.timeSuffix))
  }

  /// - Parameter flag: it is, whatever its name.
  static func isCSV(_ path: String?, _ flag: Bool) -> Bool { flag || path?.lowercased().hasSuffix(".csv") == true }
}

/// Where the work is done.
enum Engine {
  case filter(Filter)
  case service(Service)

  init(_ connection: ConnectionOptions, _ offline: OfflineOptions, _ input: InputOptions) throws {
    guard let path = offline.policy else {
      self = .service(
        Service(client: try connection.client(otherwise: ", or work without a server with --policy FILE")))
      return
    }
    if connection.isGiven {
      throw Failure(.usage, "--policy works without a server; give it, or --server or --profile, but not both")
    }
    let policy = try PolicyFile(path, set: offline.set).policy
    if let pinned = input.moment.policyVersion, pinned != policy.version {
      throw Failure(.usage, "\(path) is \(policy.version), and --policy-version asks for \(pinned)")
    }
    self = .filter(Filter(policy: policy, now: input.moment.now, threads: offline.threadCount))
  }

  /// The types of the policy's fields.
  func kinds() async throws -> [String: FieldKind] {
    switch self {
    case .service(let service): try await service.kinds()
    case .filter(let filter):
      Dictionary(uniqueKeysWithValues: filter.scorer.policy.fields.declared.map { ($0.name, $0.kind) })
    }
  }
}

/// How the answer is shown.
struct OutputOptions: ParsableArguments {
  @Flag(help: "JSON lines, also on a terminal.")
  var json = false

  @Flag(help: "A table, also when piped.")
  var table = false

  func validate() throws {
    if json, table { throw ValidationError("--json and --table exclude each other") }
  }

  var isTable: Bool { table || !json && Terminal.isOutput }
}
