import Foundation
import RouseCore
import RousePolicy
import TestData
import Testing

@testable import RouseWire

/// The schemas of the specification against the code: what it takes, and what it answers.
@Suite struct SpecificationSchemaTests {
  private func fault(_ json: some Sequence<UInt8>, _ file: String) throws -> String? {
    try JSONSchema.specification.get().fault(try JSONNode(json), file)
  }

  private static let requests: [String: String] = Dictionary(
    Operation.allCases.filter { $0 != .end && $0 != .cancel }.map {
      ($0.rawValue, "request.\($0.rawValue).schema.json")
    },
    uniquingKeysWith: { $1 })

  @Test func everyOperationHasASchema() throws {
    let names = Set(try JSONSchema.specification.get().names)
    let wanted = Set(Self.requests.values)
    #expect(names.filter { $0.hasPrefix("request.") } == wanted.union(["request.schema.json"]))
    let ops = try #require(JSONSchema.specification.get()["common.schema.json"]?["$defs"]?["op"]?["enum"]?.items)
    #expect(ops.compactMap(\.text) == Operation.allCases.map(\.rawValue))
  }

  /// A name that any schema knows is a member of an op exactly where the op's own schema says so.
  @Test func membersAreThoseOfTheReader() throws {
    let schemas = try JSONSchema.specification.get()
    let members = try Self.requests.mapValues { Set(try #require(schemas[$0]?["properties"]).members.keys) }
    let all = members.values.reduce(into: Set<String>()) { $0.formUnion($1) }.union(["bogus"])
    for (operation, own) in members {
      for name in all where name != "op" {
        var reader = RequestReader()
        // No member may be this: what is known is refused for what it holds.
        let line = "{\"op\":\"\(operation)\",\"\(name)\":{\"\":[]}}"
        let fault = Array(line.utf8).withUnsafeBytes { reader.read(Block($0)) }.memberFault
        #expect(
          fault?.message.contains("has no such member") == !own.contains(name), "\(line): \(fault?.message ?? "")")
      }
    }
  }

  private static let alone = WireCase.all.filter(\.lineDecides)
  /// What is wrong, and what a schema cannot say.
  private static let beyondSchemas: Set<String> = [
    "bad-request-id-exponent", "bad-request-id-41", "bad-request-as-of-date", "bad-request-as-of-year-0",
    "bad-request-id-long", "unknown-op-case", "deep-enough-candidate",
  ]

  /// A request is taken exactly where its op's schema takes it.
  @Test(arguments: alone.filter { !beyondSchemas.contains($0.name) }) func requestsOfTheVectors(_ vector: WireCase)
    throws
  {
    guard let value = try? JSONNode(vector.bytes), let op = value["op"]?.text, let file = Self.requests[op] else {
      return
    }
    var reader = RequestReader()
    let reading = vector.bytes.withUnsafeBytes { reader.read(Block($0)) }
    if reading.fault != nil { return }
    let fault = try JSONSchema.specification.get().fault(value, file)
    #expect(
      (fault == nil) == (reading.memberFault == nil), "\(fault ?? "no fault"), \(reading.memberFault?.message ?? "")")
  }

  /// The lines that the vectors expect; that the server sends them others tests know.
  @Test(arguments: WireCase.all) func answersOfTheVectors(_ vector: WireCase) throws {
    for case .exact(let pattern) in vector.get {
      let line = Self.anyOf(pattern)
      let fault = try fault(line.utf8, "reply.schema.json")
      #expect(fault == nil)
      let isRow = !line.contains("\"ok\":")
      let row = line.hasPrefix("{\"key\":") ? "row.record.schema.json" : "decision.schema.json"
      if isRow { #expect(try self.fault(line.utf8, row) == nil) }
    }
  }

  /// One of the lines that fit, where any text is not enough.
  private static func anyOf(_ pattern: String) -> String {
    var line = pattern.replacing(#""plan_id":"*""#, with: #""plan_id":"P1""#)
    for name in ["made", "leased_until", "until"] {
      line = line.replacing(#""\#(name)":"*""#, with: #""\#(name)":"2026-03-01T02:00:00Z""#)
    }
    return line
  }

  @Test(arguments: EdgeCase.all) func rowsOfTheEdges(_ edge: EdgeCase) throws {
    for line in try edge.expected.utf8.split(separator: 0x0A).dropLast() {
      #expect(try fault(line, "decision.schema.json") == nil)
    }
  }

  /// Explained rows, whose exact bytes no vector holds, and what else is made here.
  @Test func explanations() throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf)
    let worker = BatchWorker(
      scorer: offline.scorer, writer: offline.writer, tables: offline.tables, extras: [.explain, .validUntil],
      longestLine: 1 << 20,
      isStream: false)
    let candidates = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A)
    for index in stride(from: 0, to: candidates.count, by: 40) {
      var out = ByteWriter()
      var totals = Totals()
      _ = Array(candidates[index] + [0x0A]).withUnsafeBytes { worker.score(Block($0), into: &out, totals: &totals) }
      for line in out.array.split(separator: 0x0A) { #expect(try fault(line, "decision.schema.json") == nil) }
    }
  }

  @Test func fields() throws {
    for name in ["policy.yaml", "../examples/lapsed-donors.yaml", "../examples/lapsed-shoppers.yaml"] {
      let policy = try Vectors.policy(name)
      var out = ByteWriter()
      Reply.begin(nil, into: &out)
      out.write(",\"policy\":")
      out.writeQuoted(policy.version)
      Reply.fields(policy, into: &out)
      Reply.end(into: &out)
      #expect(try fault(out.array, "reply.fields.schema.json") == nil)
    }
  }

  /// Each code with each of the members that may stand with it.
  @Test(arguments: ErrorCode.allCases) func errors(_ code: ErrorCode) throws {
    var error = WireError(code, "words")
    switch code {
    case .badJSON, .duplicateKey, .notAnObject, .tooDeep: error.offset = 3
    case .unknownOp, .badRequest, .notFound, .conflict, .tooMany: error.at = "/users"
    case .rateLimited, .overloaded: error.retryAfterMS = 10
    default: break
    }
    var out = ByteWriter()
    Reply.error(error, id: Array("7".utf8), into: &out)
    #expect(try fault(out.array, "reply.error.schema.json") == nil)
    var wrong = ByteWriter()
    error.at = error.at == nil ? "/x" : nil
    Reply.error(error, id: nil, into: &wrong)
    #expect(try (fault(wrong.array, "reply.error.schema.json") == nil) == (code == .tooMany))
  }

  /// The schema refuses what is I01, and takes what is not.
  @Test func candidates() throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf)
    let lines = try Vectors.text("examples/candidates.ndjson").split(separator: "\n").map(String.init)
    let odd = [
      "{}", "[]", "7", #"{"user_id":""}"#, #"{"user_id":7}"#, #"{"user_id":null}"#, #"{"user_id":"a","op":"end"}"#,
      #"{"user_id":"a","op":null}"#, #"{"user_id":"\#(String(repeating: "x", count: 129))"}"#,
      #"{"user_id":"\#(String(repeating: "x", count: 128))"}"#, #"{"user_id":"a","x":{"op":"end"},"contacts":null}"#,
    ]
    for line in lines + odd {
      let isInvalid = offline.score([Array(line.utf8)]).hasPrefix(#"{"user_id":null,"#)
      #expect((try fault(line.utf8, "candidate.schema.json") != nil) == isInvalid, "\(line)")
    }
  }

  /// An event is taken exactly where its schema takes it; what its kind and channel are called the policy judges.
  @Test func events() throws {
    let policy = try Vectors.policy("policy.yaml")
    let vocabulary = EventVocabulary(policy: policy)
    let kinds = EventKind.fixed.map(\.name) + ["withdraw", "unheard_of", ""]
    let more = [
      "", #","channel":"push""#, #","channel":"pigeon""#, #","channel":"""#, #","channel":null"#, #","channel":7"#,
      #","cost":0.5"#, #","cost":null"#, #","cost":-1"#, #","cost":"1""#, #","amount":500"#, #","amount":1e12"#,
      #","amount":1000000000001"#, #","amount":true"#, #","plan":"P1""#, #","plan":"""#, #","plan":null"#,
      #","plan":1"#, #","campaign":"a""#, #","campaign":[]"#, #","x_":{}"#, #","note":1"#, #","op":"ping""#,
      #","plan":"\#(String(repeating: "p", count: 256))""#, #","plan":"\#(String(repeating: "p", count: 257))""#,
      #","channel":"push","cost":0,"plan":"x","campaign":"y""#, #","channel":"push","amount":1"#,
    ]
    let heads = [
      #""key":"a","user_id":"u","at":0"#, #""key":"a","user_id":"u","at":"2026-03-01T02:00:00+08:00""#,
      #""key":"a","user_id":"u","at":1.5"#, #""key":"a","user_id":"u","at":"today""#, #""key":"a","user_id":"u""#,
      #""key":"a","user_id":"u","at":null"#, #""key":"a","user_id":"u","at":253402300800"#, #""key":"a","at":0"#,
      #""key":"","user_id":"u","at":0"#, #""key":null,"user_id":"u","at":0"#, #""key":1,"user_id":"u","at":0"#,
      #""key":"a","user_id":"","at":0"#, #""user_id":"u","at":0"#,
      #""key":"a","user_id":"\#(String(repeating: "u", count: 128))","at":0"#,
      #""key":"a","user_id":"\#(String(repeating: "u", count: 129))","at":0"#,
      #""key":"\#(String(repeating: "k", count: 129))","user_id":"u","at":0"#,
    ]
    func check(_ line: String) throws {
      var reader = EventReader(policy: policy, vocabulary: vocabulary, now: 0)
      let block = Array(line.utf8).withUnsafeBytes { Block($0) }
      let isTaken =
        switch reader.read(UnsafeRawBufferPointer(rebasing: block.bytes.prefix(line.utf8.count))) {
        case .event: true
        case .invalid, .end, .cancel: false
        }
      #expect(try (fault(line.utf8, "ledger-event.schema.json") == nil) == isTaken, "\(line)")
    }
    for head in heads { for kind in kinds { try check("{\(head),\"kind\":\"\(kind)\"}") } }
    for kind in kinds { for member in more { try check("{\(heads[0]),\"kind\":\"\(kind)\"\(member)}") } }
    for line in ["{}", "{\(heads[0])}", "{\(heads[0]),\"kind\":null}", "{\(heads[0]),\"kind\":7}", "[]", "7"] {
      try check(line)
    }
  }

  /// The validator itself: what it refuses, and that it passes nothing over.
  @Test func theValidator() throws {
    let schemas = try JSONSchema.specification.get()
    let wrong: [(String, String)] = [
      (#"{"event":"goodbye"}"#, "event.goodbye.schema.json"),
      (#"{"event":"hello","reason":"draining"}"#, "event.goodbye.schema.json"),
      (#"{"ok":true,"more":1}"#, "reply.ping.schema.json"), (#"{"ok":1}"#, "reply.ping.schema.json"),
      (#"{"ok":true,"identity":"a","roles":["score","score"]}"#, "reply.auth.schema.json"),
      (#"{"ok":true,"identity":"a","roles":["king"]}"#, "reply.auth.schema.json"),
      (#"{"user_id":"a","status":"contact","reasons":[]}"#, "decision.schema.json"),
      (#"{"user_id":"a","status":"invalid","reasons":["i02"],"stage":null}"#, "decision.schema.json"),
      (#"{"op":"rank","users":[],"limit":1.5}"#, "request.rank.schema.json"),
      (#"{"op":"rank","users":[],"limit":-1}"#, "request.rank.schema.json"),
      (#"{"op":"rank"}"#, "request.rank.schema.json"), (#"[]"#, "request.ping.schema.json"),
    ]
    for (json, file) in wrong { #expect(schemas.fault(try JSONNode(json.utf8), file) != nil, "\(json)") }
    let folder = FileManager.default.temporaryDirectory.appending(path: "rouse-schema-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for unknown in [#"{"oneOf":[]}"#, #"{"properties":{"a":{"format":"date"}}}"#, #"{"$ref":"nowhere.json"}"#, "7"] {
      try Data(unknown.utf8).write(to: folder.appending(path: "a.json"))
      #expect(throws: JSONSchema.Unreadable.self) { try JSONSchema(folder: folder) }
    }
  }
}
