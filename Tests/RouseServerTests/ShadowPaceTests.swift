import Testing

@testable import RouseServer

struct ShadowPaceTests {
  @Test func itRestsOnlyWhenBehind() {
    var pace = ShadowPace()
    pace.look(dropped: 0)
    for _ in 0..<100 { #expect(pace.rest(after: ShadowPace.stretch) == nil) }
    // Something had no room: three quarters of the time are others' from here on.
    pace.look(dropped: 7)
    #expect(pace.rest(after: ShadowPace.stretch / 2) == nil)
    #expect(pace.rest(after: ShadowPace.stretch / 2) == 3000)
    #expect(pace.rest(after: ShadowPace.stretch / 2) == nil)
    #expect(pace.rest(after: .max - ShadowPace.stretch) == 1_000_000)
    // Nothing more was left out: it keeps up again.
    pace.look(dropped: 7)
    #expect(pace.rest(after: ShadowPace.stretch) == nil)
    // Another shadow's counts begin anew.
    pace.look(dropped: 0)
    #expect(pace.rest(after: ShadowPace.stretch) == nil)
  }
}
