import RouseCore
import RousePolicy
import TestData
import Testing

/// The page on the policy and its schema against the reader of policies.
@Suite struct SpecificationPolicyTests {
  private static let schema = "policy.schema.json"

  private static func document(_ path: String) throws -> JSONNode {
    node(try Document.parse(try Vectors.bytes(path), format: Document.Format(fileName: path)).root)
  }

  private static func node(_ node: Document.Node) -> JSONNode {
    switch node.content {
    case .map(let entries):
      .object(Dictionary(entries.map { ($0.key, self.node($0.value)) }, uniquingKeysWith: { $1 }))
    case .list(let nodes): .list(nodes.map(self.node))
    case .scalar(let scalar):
      switch scalar.reading {
      case .null: .null
      case .boolean(let value): .boolean(value)
      case .whole(let value): .number(Double(value))
      case .number(let value): .number(value)
      case .text(let text): .text(text)
      }
    }
  }

  @Test(
    arguments: EdgeCase.all.map(\.policy) + [
      "policy.yaml", "bad-policies/base.yaml", "../examples/cash-loan-recall.yaml", "../examples/lapsed-donors.yaml",
      "../examples/lapsed-shoppers.yaml",
    ])
  func goodPoliciesFit(_ path: String) throws {
    #expect(try JSONSchema.specification.get().fault(try Self.document(path), Self.schema) == nil)
  }

  /// What a schema can say of the broken ones.
  @Test func badPoliciesDoNot() throws {
    let schemas = try JSONSchema.specification.get()
    var refused: [String: Int] = [:]
    for row in Vectors.rows("bad-policies/index.tsv", skipping: 1) {
      guard let document = try? Self.document("bad-policies/\(row[0])") else { continue }
      if schemas.fault(document, Self.schema) != nil { refused[row[1], default: 0] += 1 }
    }
    #expect(refused == ["unknown_key": 3, "missing_key": 2, "value": 3, "type": 2, "range": 2])
  }

  // MARK: - Tables of the page

  private struct Row: Sendable, CustomStringConvertible {
    let path: String
    let value: String
    let isNeeded: Bool
    var description: String { path }

    /// `int` or `num` with its range.
    var number: (isWhole: Bool, least: Double, greatest: Double)? {
      let words = value.split(separator: " ")
      guard let kind = words.first, kind == "int" || kind == "num", words.count > 1 else { return nil }
      let bounds = words[1].split(separator: ".", omittingEmptySubsequences: false)
      // `0..0.99` splits at each point.
      let text = bounds.joined(separator: ".").replacing("..", with: " ").split(separator: " ").compactMap {
        Double($0)
      }
      return text.count == 2 ? (kind == "int", text[0], text[1]) : nil
    }
  }

  private static let rows: [Row] = {
    let tables = (try? MarkdownTable.all("policy.md")) ?? []
    return tables.filter { $0.heading.first == "key" }.flatMap(\.rows).map {
      Row(path: $0[0], value: $0[1], isNeeded: $0[2] == "yes")
    }
  }()

  /// Names that stand for `*`, by what comes before it.
  private static let names = [
    "stages": "settled", "tiers": "3m", "suppress": "S01", "knockout": "K01", "risk.card": "other_loans",
    "risk.card.other_loans.at_least": "0", "response.steps": "login", "channels": "call", "plan.capacity": "call",
    "plan.quota": "never_logged_in", "guardrails.max_points": "region", "review.targets": "click",
  ]

  /// The path with names in place of stars; `is` rows have a text field's name.
  private func concrete(_ path: String) -> String {
    let pattern = path.replacing("risk.card.*.is.*", with: "risk.card.network.is.wifi")
      .replacing("risk.card.*.other", with: "risk.card.network.other")
    var steps: [String] = []
    for step in pattern.split(separator: ".") {
      steps.append(step == "*" ? Self.names[steps.joined(separator: ".")] ?? "?" : String(step))
    }
    return steps.joined(separator: ".")
  }

  private static let policy = Result { try Document.parse(yaml: Vectors.bytes("policy.yaml")) }

  private func faults(_ path: String, _ value: String) throws -> [Diagnostic] {
    var document = try Self.policy.get()
    do throws(PolicyDiagnostics) {
      try document.set(try Override(parsing: "\(path)=\(value)"))
      _ = try PolicyReader.read(document)
      return []
    } catch {
      return error.all.filter { $0.path == path }
    }
  }

  @Test func theTablesAreThere() { #expect(Self.rows.count > 90) }

  /// The reader takes what the page says, to the last digit.
  @Test(arguments: rows.filter { $0.number != nil }) private func range(_ row: Row) throws {
    let (isWhole, least, greatest) = try #require(row.number)
    let path = concrete(row.path)
    let step = isWhole ? 1 : 0.5
    for value in [least, greatest] {
      #expect(try !faults(path, shortest(value)).contains { $0.kind == .range || $0.kind == .type }, "\(value)")
    }
    for value in [least - step, greatest + step] {
      #expect(try faults(path, shortest(value)).contains { $0.kind == .range }, "\(value)")
    }
    #expect(try faults(path, "\(shortest(least.rounded())).5").contains { $0.kind == .type } == isWhole)
    #expect(try faults(path, "null").isEmpty == row.value.hasSuffix("or null"))
  }

  /// The schema knows the same keys, ranges and needs.
  @Test func theSchemaIsThePage() throws {
    let schema = try #require(try JSONSchema.specification.get()[Self.schema])
    var keys: [String: JSONNode] = [:]
    var needed: Set<String> = []
    Self.collect(schema, "", &keys, &needed)
    // Rows of the response card are those of the risk card.
    keys = keys.filter { !$0.key.hasPrefix("response.card.") }
    let known = Set(Self.rows.map(\.path))
    #expect(known.subtracting(keys.keys) == [])
    #expect(Set(keys.keys).subtracting(known).filter { !$0.hasSuffix(".*") } == [])
    for row in Self.rows {
      let schema = try #require(keys[row.path], "\(row.path)")
      #expect(needed.contains(row.path) == (row.isNeeded || row.value == "map, at least one"), "\(row.path)")
      guard let number = row.number else { continue }
      let own = schema["anyOf"]?.items.first ?? schema
      #expect(own["minimum"]?.number == number.least, "\(row.path)")
      #expect(own["maximum"]?.number == number.greatest, "\(row.path)")
      #expect(own["type"]?.text == (number.isWhole ? "integer" : "number"), "\(row.path)")
    }
  }

  /// Keys by path, `*` for names of the policy's own; a key is needed where it always is.
  private static func collect(
    _ schema: JSONNode, _ path: String, _ keys: inout [String: JSONNode], _ needed: inout Set<String>
  ) {
    func at(_ step: String) -> String { path.isEmpty ? step : "\(path).\(step)" }
    let choices = (schema["anyOf"]?.items ?? []).filter { $0["type"]?.text == "object" }
    let objects = choices.isEmpty ? [schema] : choices
    for object in objects {
      for (name, inner) in object["properties"]?.members ?? [:] {
        keys[at(name)] = inner
        let isNeeded = objects.allSatisfy { $0["required"]?.items.contains(.text(name)) ?? false }
        if isNeeded { needed.insert(at(name)) }
        collect(inner, at(name), &keys, &needed)
      }
      let named = (object["patternProperties"]?.members.values).map(Array.init) ?? []
      for inner in named + [object["additionalProperties"] ?? .null] where inner.boolean == nil && inner != .null {
        keys[at("*")] = inner
        collect(inner, at("*"), &keys, &needed)
      }
    }
  }

  @Test func examplesFitTheSchema() throws {
    let schemas = try JSONSchema.specification.get()
    let whole = try Self.document("policy.yaml").members
    let blocks = try MarkdownTable.blocks("yaml", of: "policy.md")
    #expect(blocks.count >= 12)
    for block in blocks {
      let part = Self.node(try Document.parse(yaml: Array(block.utf8)).root).members
      #expect(schemas.fault(.object(whole.merging(part) { $1 }), Self.schema) == nil, "\(block)")
    }
  }

  @Test func kindsOfMistakes() throws {
    let table = try #require(try MarkdownTable.all("policy.md").first { $0.heading.first == "kind" })
    #expect(table.rows.map { $0[0] } == Diagnostic.Kind.allCases.map(\.rawValue))
    let kinds = try JSONSchema.specification.get()["common.schema.json"]?["$defs"]?["diagnostic"]?["properties"]?[
      "kind"]
    #expect(kinds?["enum"]?.items.compactMap(\.text) == Diagnostic.Kind.allCases.map(\.rawValue))
  }

  @Test func derivedNames() throws {
    let table = try #require(try MarkdownTable.all("policy.md").first { $0.heading.first == "name" })
    let names = table.rows.flatMap { $0[0].split(separator: ",").map { $0.filter { $0 != "`" && $0 != " " } } }
    #expect(Set(names) == Set(DerivedField.allCases.map(\.name)))
  }
}
