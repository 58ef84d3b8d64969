import RouseCore
import Testing

@Suite struct EventTests {
  @Test func aKindIsFoundByItsName() {
    for kind in EventKind.fixed { #expect(EventKind(named: kind.name) == kind) }
    #expect(EventKind(named: "apply") == .step("apply"))
  }
}
