import RouseCore
import RouseLedger
import Testing

@Suite struct AudienceTests {
  private let folder = TestFolder()

  private func lines(_ ledger: Ledger) throws -> [String] {
    var all: [String] = []
    try ledger.eachCandidate(from: 0, batch: 2) { batch in
      all += batch.map { "\($0.user) " + String(decoding: $0.line, as: UTF8.self) }
      return true
    }
    return all
  }

  @Test func loadsInOrder() throws {
    let ledger = try Ledger.open(folder)
    _ = try ledger.erase(["gone"])
    let (counts, users) = try ledger.load([
      .init("a", "1"), .init("b", "1"), .init("a", "2"), .init("gone", "1"), .init("c", nil), .init("b", nil),
      .init("d", nil), .init("d", "1"), .init("gone", nil),
    ])
    #expect(users == [0, 1, 0, -1, -1, 1, -1, 2, -1])
    #expect(counts.loaded == 4 && counts.removed == 4 && counts.gone == 1)
    #expect(try lines(ledger) == ["0 2", "2 1"])
    #expect(try ledger.lines(of: [2, 1, 0]) == [[0x31], nil, [0x32]])
    ledger.close()
    let again = try Ledger.open(folder)
    #expect(try lines(again) == ["0 2", "2 1"])
    #expect(try again.load([.init("b", "3"), .init("e", "1")]).users == [1, 3])
  }

  @Test func erasesEverywhere() throws {
    let ledger = try Ledger.open(folder)
    _ = try ledger.load([.init("u1", "x"), .init("u2", "y")])
    _ = try ledger.record([Event("1", "u1", .contact, channel: "push"), Event("2", "u1", .complaint)])
    _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["u1", "u2"], ghosts: ["u3"]))
    #expect(try ledger.erase(["u1", "u3", "nobody", "u1"]) == 2)
    #expect(try ledger.user(Array("u1".utf8), most: 5) == nil)
    #expect(ledger.read { $0.number(of: Array("u1".utf8)) } == nil)
    #expect(ledger.read { $0.userID(0).isEmpty && !$0.hasFacts(0) })
    #expect(try ledger.rows(of: "P1", from: 1, most: 5).map(\.rank) == [2])
    #expect(try ledger.plan("P1")?.erased == 2)
    #expect(try lines(ledger) == ["1 y"])
    #expect(try ledger.load([.init("u1", "x")]).users == [-1])
    ledger.close()
    let again = try Ledger.open(folder)
    #expect(again.read { $0.userCount } == 3)
    #expect(try again.erase(["u1"]) == 0)
    #expect(try again.load([.init("nobody", "x")]).counts.gone == 1)
  }

  @Test func keepsPolicies() throws {
    let ledger = try Ledger.open(folder)
    ledger.keep(policy: "v1", text: [1], format: "yaml", at: 10, by: "file")
    ledger.keep(policy: "v2", text: [2], format: "json", at: 20, by: "file")
    ledger.keep(policy: "v1", text: [9], format: "json", at: 30, by: "SIGHUP")
    _ = try ledger.erase([])
    let kept = try ledger.policies(most: 5)
    #expect(kept.map(\.version) == ["v1", "v2"] && kept[0].text == [1] && kept[0].at == 30 && kept[0].by == "SIGHUP")
    #expect(try ledger.policies(most: 1).count == 1)
  }

  @Test func oneServerAFile() throws {
    let ledger = try Ledger.open(folder)
    #expect { try Ledger.open(folder) } throws: { ($0 as? LedgerError)?.kind == .inUse }
    ledger.close()
    _ = try Ledger.open(folder)
    #expect { _ = try ledger.record([Event("1", "u", .login)]) } throws: { ($0 as? LedgerError)?.kind == .closed }
  }
}
