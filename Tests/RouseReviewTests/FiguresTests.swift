import Testing

@testable import RouseReview

struct FiguresTests {
  @Test func numbersAreForPeople() {
    #expect(Figures.count(1_234_567) == "1,234,567")
    #expect(Figures.count(999) == "999")
    #expect(Figures.money(1234.5) == "1,234.50")
    #expect(Figures.money(-0.004) == "0.00")
    #expect(Figures.money(-1234.567) == "−1,234.57")
    #expect(Figures.money(nil) == "not yet known")
    #expect(Figures.signedMoney(2) == "+2.00")
    #expect(Figures.signedMoney(0.001) == "0.00")
    #expect(Figures.points(0.0123) == "+1.2\u{A0}pp")
    #expect(Figures.number(1e300) == "1.00e300")
    #expect(Figures.number(-9.999e20) == "−1.00e21")
    #expect(Figures.number(.infinity) == "not yet known")
  }

  @Test(arguments: [
    (0.0, "0"), (1, "100"), (0.123456, "12.3"), (0.0123, "1.2"), (0.00123, "0.12"), (0.000123, "0.012"),
    (0.0000123, "<0.01"),
    (-0.05, "−5.0"), (12, "1,200.0"),
  ])
  func sharesHaveTheDigitsThatTell(_ share: Double, _ text: String) {
    #expect(Figures.percent(share) == text + "\u{A0}%")
  }

  @Test func axesAreShort() {
    #expect(Figures.axis(20_000) == "20k")
    #expect(Figures.axis(2_500_000) == "2.5M")
    #expect(Figures.axis(1500) == "1,500")
    #expect(Figures.axis(0) == "0")
    #expect(Figures.axisPercent(0.05) == "5\u{A0}%")
  }

  @Test func ticksAreRound() {
    #expect(Scale([0, 97], from: 0, to: 100, ticks: 5).ticks == [0, 20, 40, 60, 80, 100])
    #expect(Scale([-3, 7], from: 0, to: 100, ticks: 5).ticks == [-4, -2, 0, 2, 4, 6, 8])
    #expect(Scale([0.0021, 0.0379], including: [0], from: 0, to: 1, ticks: 4).ticks == [0, 0.01, 0.02, 0.03, 0.04])
  }

  @Test(arguments: [
    [], [0], [5], [-5], [1e300, -1e300], [.nan], [.infinity, 1], [1e-300], [1, 1 + 1e-15], [.leastNonzeroMagnitude],
  ])
  func anyScaleHolds(_ values: [Double]) {
    for scale in [
      Scale(values, from: 10, to: 110, ticks: 5), Scale(values, from: 10, to: 110, ticks: 5, isTight: true),
      Scale(logarithmic: values, from: 10, to: 110),
    ] {
      #expect(scale.low < scale.high)
      #expect((1...60).contains(scale.ticks.count))
      for value in values + scale.ticks + [0, .nan, .infinity, -1e308] {
        #expect((10...110).contains(scale(value)))
      }
    }
  }

  @Test func textsAreCutToTheirRoom() {
    let long = String(repeating: "Wide words ", count: 100)
    for room in [20.0, 50, 200] {
      let short = TextWidth.fit(long, in: room, size: 12)
      #expect(TextWidth.of(short, size: 12) <= room)
      #expect(short.hasSuffix("…"))
    }
    #expect(TextWidth.fit(long, in: 5, size: 12) == "")
    #expect(TextWidth.fit("short", in: 200, size: 12) == "short")
    #expect(Name.cut("abcdef", most: 4) == "abc…")
    #expect(Name.cut("abcd", most: 4) == "abcd")
  }
}
