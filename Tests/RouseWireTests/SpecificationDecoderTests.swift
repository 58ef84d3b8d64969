import TestData
import Testing

@testable import RouseCore
@testable import RouseWire

/// The wire vectors, by the decoders alone.
@Suite struct SpecificationDecoderTests {
  private static let alone = WireCase.all.filter(\.lineDecides)

  @Test func allVectorsAreThere() {
    #expect(WireCase.files.allSatisfy { WireCase.all($0).count > 30 })
    #expect(Self.alone.count > 150)
    #expect(JSONCase.all.count > 150)
    #expect(HashCase.all.count > 30)
    #expect(Vectors.rows("wire/numbers.tsv", skipping: 1).count > 190)
    #expect(Set(WireCase.all.map(\.name)).count > 300)
  }

  private func read(_ line: [UInt8]) -> RequestReader.Reading {
    var reader = RequestReader()
    return line.withUnsafeBytes { reader.read(Block($0)) }
  }

  /// What is wrong with a line as far as the line tells, the gravest first.
  private func fault(_ reading: RequestReader.Reading) -> WireError? {
    reading.fault ?? reading.operationFault ?? reading.memberFault
  }

  @Test(arguments: alone) func line(_ vector: WireCase) throws {
    let reading = read(vector.bytes)
    guard let error = fault(reading) else {
      guard case .exact(let wanted)? = vector.get.first else { return }
      #expect(wanted.contains("\"ok\":true"), "the line was taken")
      let id = reading.request.id.map { "{\"id\":" + String(decoding: $0, as: UTF8.self) + "," } ?? "{\"ok\""
      #expect(wanted.hasPrefix(id))
      return
    }
    var out = ByteWriter()
    Reply.error(error, id: reading.request.id, into: &out)
    #expect(vector.fault(in: out.array) == nil)
  }

  private static let offline = Result { try Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf) }

  /// Within a request, alone, and as a part of a candidate.
  @Test(arguments: JSONCase.all) func document(_ vector: JSONCase) throws {
    #expect((JSONValue(vector.bytes) != nil) == vector.isAccepted || vector.verdict == "too_deep")
    let before = Array(#"{"op":"ping","x_":"#.utf8)
    let reading = read(before + vector.bytes + Array("}".utf8))
    #expect((reading.fault?.code.rawValue ?? "ok") == vector.verdict)
    #expect(reading.fault?.offset == vector.offset.map { $0 + before.count })
    let offline = try Self.offline.get()
    for name in ["x", "credit_limit", "registered_at", "sms_ok", "region", "device", "contacts"] {
      let row = offline.score([Array("{\"user_id\":\"a\",\"\(name)\":".utf8) + vector.bytes + Array("}".utf8)])
      #expect(row.hasPrefix(#"{"user_id":null,"status":"invalid","reasons":["I01"]}"#) != vector.isAccepted, "\(name)")
    }
  }

  @Test func numbers() throws {
    for row in Vectors.rows("wire/numbers.tsv", skipping: 1) {
      let text = Array((row[0] + "\n").utf8) + [UInt8](repeating: 0x0A, count: JSONScanner.padding)
      try text.withUnsafeBufferPointer { buffer in
        var scanner = JSONScanner(base: try #require(buffer.baseAddress), count: row[0].utf8.count)
        let value = scanner.double(try scanner.number())
        #expect(scanner.at == row[0].utf8.count)
        let wanted = row[1] == "inf" ? nil : UInt64(row[1], radix: 16)
        #expect((value.isFinite ? value.bitPattern : nil) == wanted, "\(row[0])")
      }
    }
  }

  @Test(arguments: HashCase.all) func hash(_ vector: HashCase) {
    let experiment = Experiment(ExperimentDefinition(salt: vector.salt, holdout: 0.05, explore: 0.01))
    let draw = Array(vector.userID.utf8).withUnsafeBytes { experiment.draw($0) }
    #expect([draw.arm, draw.channel, draw.tie].map(String.init) == [vector.arm, vector.channel, vector.tie])
    #expect(Array(vector.userID.utf8).withUnsafeBytes { experiment.shares($0).share } == vector.share)
    if let drawn = vector.drawn { #expect(experiment.arms.arm(share: draw.arm % 10_000).name == drawn) }
  }

  /// The page on the model: its table of powers, and its codes.
  @Test func tablesOfTheModel() throws {
    let text = try Vectors.text("../model.md")
    let powers = text.split(whereSeparator: { $0 == " " || $0 == "\n" }).filter { $0.hasPrefix("0x1.") }
    #expect(powers.compactMap { Double($0)?.bitPattern } == Odds.table.map(\.bitPattern))
    let codes = try #require(try MarkdownTable.all("model.md").first { $0.heading.first == "code" })
    #expect(codes.rows.map { $0[0] } == ReasonCode.allCases.map(\.code))
    for (row, code) in zip(codes.rows, ReasonCode.allCases) {
      #expect(row[1].filter { $0 != "`" }.lowercased() == code.say.lowercased())
    }
  }
}
