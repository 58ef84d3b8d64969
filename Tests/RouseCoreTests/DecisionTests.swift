import Testing

@testable import RouseCore

/// A decision is a value, though its lists stand in memory that it uses again.
@Suite struct DecisionTests {
  @Test func copiesStayAsTheyWere() {
    var decision = Decision()
    decision.append(reason: 3)
    let copy = decision
    let reasons = copy.reasons
    decision.append(reason: 4)
    #expect(Array(copy.reasons) == [3] && Array(decision.reasons) == [3, 4])
    decision.clear()
    decision.append(reason: 5)
    #expect(Array(copy.reasons) == [3] && Array(reasons) == [3] && Array(decision.reasons) == [5])
  }

  @Test func listsGrow() {
    var decision = Decision()
    for number in 0..<1000 {
      let number = Int32(number)
      decision.append(reason: number)
      decision.append(responseBin: -number)
      decision.append(Option(value: 1, spend: 2, capital: 3, p: 4, channel: number))
    }
    #expect(Array(decision.reasons) == Array(0..<1000) && Array(decision.responseBins) == (0..<1000).map { -$0 })
    #expect(decision.options.map(\.channel) == Array(0..<1000))
    decision.setOption(Option(value: 9, spend: 0, capital: 0, p: 0, channel: 0))
    #expect(decision.options.count == 1 && decision.bestOption?.value == 9)
  }

  /// A policy's lists may be longer here and shorter there than those of a line that is no candidate, or empty.
  @Test func roomOnlyGrows() {
    var decision = Decision()
    decision.reset(DecisionMemory.Sizes(reasons: 30, channels: 1, bins: 0))
    let reasons = decision.lists.reasons
    decision.append(responseBin: 7)
    #expect(decision.lists.sizes.bins > 0 && Array(decision.responseBins) == [7])
    decision.invalidate(.i01)
    #expect(decision.lists.reasons == reasons, "the memory is made anew")
  }
}
