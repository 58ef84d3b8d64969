import ArgumentParser
import RouseReview

struct PolicyImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Turn a model of another tool into rows of a card.",
    subcommands: [PolicyImportPMML.self])
}

struct PolicyImportPMML: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pmml",
    abstract: "Print a PMML 4 Scorecard as rows to stand under a policy's card.",
    discussion: """
        rouse policy import pmml scorecard.xml
        rouse policy import pmml scorecard.xml --points-to-double 40 --response

      Each Characteristic becomes a row of one field, each Attribute a bin, with points to the policy's scale: there 20 points \
      double the odds. A bound that belongs to the lower bin (greaterThan, lessOrEqual) is written as the next number up, so \
      that every value falls where it did. What a card cannot say (a Characteristic of two fields) is refused, with its line.
      """)

  @Argument(help: "The PMML file.", completion: .file(extensions: ["xml", "pmml"]))
  var file: String

  @Option(help: ArgumentHelp("Points of the file that double the odds.", valueName: "points"))
  var pointsToDouble = 20.0

  @Flag(help: "In the file, more points are more risk.")
  var turn = false

  @Flag(help: "For the response card: rows without codes.")
  var response = false

  func validate() throws {
    if !(pointsToDouble >= 0.001 && pointsToDouble <= 1e6) {
      throw ValidationError("--points-to-double is between 0.001 and 1000000")
    }
  }

  func run() async throws {
    var settings = PMMLScorecard.Settings()
    settings.pointsToDouble = pointsToDouble
    settings.isTurned = turn
    settings.isResponse = response
    let text: String
    do throws(ReviewError) {
      text = try PMMLScorecard(try Self.bytes(file), settings).text
    } catch {
      throw Failure(.usage, "\(file): \(error.description)")
    }
    try StandardOutput().write(text)
  }

  private static func bytes(_ file: String) throws(ReviewError) -> [UInt8] {
    do { return try FileInput.contents(of: file) } catch {
      throw ReviewError(.invalid, (error as? Failure)?.message ?? "it cannot be read")
    }
  }
}
