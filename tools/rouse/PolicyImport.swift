import ArgumentParser
import RouseReview
import RouseWire

struct PolicyImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Turn a model of another tool into rows of a card.",
    subcommands: [PolicyImportPMML.self, PolicyImportLightGBM.self])
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

struct PolicyImportLightGBM: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lightgbm",
    abstract: "Take a LightGBM text model as one capped characteristic.",
    discussion: """
        rouse policy import lightgbm model.txt --cap 40 > row.yaml
        rouse policy import lightgbm model.txt --rows candidates.ndjson |
            rouse rank --policy policy.yaml

      A policy stays a table that a person can read, so a model enters it as one field: its score, in points over the average, \
      of which +20 double the odds. Without --rows a row for the response card is printed, that rises with the score and \
      stops at the cap; declare the field under fields.numbers. With --rows each candidate (JSON lines or CSV) is \
      printed with its score. The model must be binary, and split by numbers alone.
      """)

  @Argument(help: "The model, as LightGBM's save_model writes it.", completion: .file(extensions: ["txt"]))
  var file: String

  @Option(
    help: ArgumentHelp("Score these candidates, and print them as JSON lines.", valueName: "file"), completion: .file())
  var rows: String?

  @Flag(help: "The candidates are CSV, whatever their name.")
  var csv = false

  @Option(help: ArgumentHelp("The field that holds the score.", valueName: "field"))
  var name = "model_score"

  @Option(help: ArgumentHelp("Points that the model can give or take, at most.", valueName: "points"))
  var cap = 40

  @Option(help: ArgumentHelp("Points from one bin to the next.", valueName: "points"))
  var step = 8

  @OptionGroup(title: "Input") var adaptation: InputAdaptation

  func validate() throws {
    if !(1...1000).contains(cap) { throw ValidationError("--cap is between 1 and 1000") }
    if !(1...1000).contains(step) { throw ValidationError("--step is between 1 and 1000") }
    if !FieldNames.isUsable(name) { throw ValidationError("'\(name)' for --name is no field name") }
  }

  func run() async throws {
    let bytes = try FileInput.contents(of: file, most: 256 << 20)
    let model: LightGBMModel
    do throws(ReviewError) {
      model = try LightGBMModel(bytes)
    } catch {
      throw Failure(.usage, "\(file): \(error.description)")
    }
    guard let rows else { return try StandardOutput().write(LightGBMModel.row(name, cap: cap, step: step)) }
    let input = try FileInput(rows)
    let plain: any CandidateSource =
      InputOptions.isCSV(rows, csv)
      ? try CSVSource(
        input, kinds: Dictionary(model.features.map { ($0, .numbers) }) { first, _ in first },
        needsUserID: !adaptation.givesUserID) : LineSource(input)
    let source = adaptation.adapt(plain)
    while let candidates = try source.next() {
      var out = ByteWriter(capacity: candidates.block.count * 2)
      var number = candidates.firstLine
      for text in candidates.block.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
        defer { number += 1 }
        let line = UnsafeRawBufferPointer(rebasing: text)
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
        guard let row = JSONValue(line), case .object(let members) = row, let start = line.firstIndex(of: 0x7B) else {
          throw Failure(.usage, "\(source.place(ofLine: number)): this is no JSON object")
        }
        if members.contains(where: { $0.name == name }) {
          throw Failure(.usage, "\(source.place(ofLine: number)): there is a '\(name)' already; give another --name")
        }
        let points = model.points(model.features.map { row.at(path: $0)?.number ?? .nan })
        out.write("{")
        out.writeQuoted(name)
        out.put(0x3A)
        out.write(number: (points * 100).rounded() / 100)
        if !members.isEmpty { out.put(0x2C) }
        out.write(UnsafeRawBufferPointer(rebasing: line[(start + 1)...]))
        out.put(0x0A)
      }
      try StandardOutput().write(out.bytes)
    }
  }
}
