import Glibc
import RouseLedger
import TestData
import Testing

/// After an erasure no file of the ledger holds the id.
@Suite struct ErasureTests {
  private let folder = TestFolder()

  /// Files that hold any of some texts.
  private func holders(_ texts: Set<String>) -> [String] {
    let wanted = Set(texts.map { Array($0.utf8) })
    let size = texts.first?.utf8.count ?? 0
    return folder.names.compactMap { name in
      let bytes = TestFolder.bytes(folder.file(name))
      // Ids begin with a mark of their own, so that this is quick.
      var from = bytes.startIndex
      while let place = bytes[from...].firstIndex(of: 0x7E) {
        if place + size <= bytes.count, wanted.contains(Array(bytes[place..<(place + size)])) {
          return "\(name) at \(place): " + String(decoding: bytes[place..<(place + size)], as: UTF8.self)
        }
        from = place + 1
      }
      return nil
    }
  }

  @Test func noByteIsLeft() throws {
    let ledger = try Ledger.open(folder)
    var random = SplitMix(state: 3)
    func id(_ number: Int) -> String { "~user-" + String(1_000_000 + number) }
    var erased: Set<String> = []
    let count = 3000
    for round in 0..<60 {
      let some = (0..<60).map { _ in id(Int.random(in: 0..<count, using: &random)) }
      _ = try ledger.load(
        some.map { .init($0, String(repeating: "x", count: Int.random(in: 1..<(200 + round * 30), using: &random))) })
      _ = try ledger.record(
        some.enumerated().map { index, user in
          Event(
            "\(round)-\(index)~", user, index % 2 == 0 ? .contact : .step("apply"), channel: "push", plan: "P\(round)")
        })
      _ = try ledger.commit(
        PlanDraft(
          seen: ledger.sequence, made: Ledger.noon + Int64(round) * 4 * 86_400,
          contacts: Array(Set(some).subtracting(erased))))
      if round % 5 == 4 {
        let gone = (0..<20).map { _ in id(Int.random(in: 0..<count, using: &random)) }
        #expect(holders([gone[0]]).isEmpty || !erased.contains(gone[0]))
        _ = try ledger.erase(gone)
        erased.formUnion(gone)
        #expect(holders(erased) == [])
      }
    }
    let left = (0..<count).first { number in ledger.read { $0.number(of: Array(id(number).utf8)) != nil } }
    #expect(try !holders([id(#require(left))]).isEmpty, "what is not erased is found")
    // Nor is it with what is written later, or after a restart, or in a copy.
    _ = try ledger.load((0..<200).map { .init(id(5000 + $0), "y") })
    try LedgerFile.backup(folder.ledger, to: folder.file("copy"))
    #expect(holders(erased) == [])
    ledger.close()
    try LedgerFile.compact(folder.ledger)
    #expect(holders(erased) == [])
    #expect(try LedgerFile.check(folder.ledger) == [])
  }

  /// A reader is in the way of cleaning the log: it is done as soon as the reader has ended.
  @Test func aReaderHoldsItUp() throws {
    let ledger = try Ledger.open(folder)
    _ = try ledger.load([.init("~user-1", "x"), .init("~user-2", "y"), .init("~user-3", "z")])
    let reader = try #require(SQLiteReader.hold(folder.ledger))
    #expect(try ledger.erase(["~user-1"]) == 1)
    #expect(!holders(["~user-1"]).isEmpty)
    reader.end()
    var waited = 0
    while !holders(["~user-1"]).isEmpty, waited < 500 {
      usleep(10_000)
      waited += 1
    }
    #expect(holders(["~user-1"]) == [])
  }
}
