import ArgumentParser
import Foundation
import RouseClient
import RouseCore

/// The contacts as a file.
struct ExportOptions: ParsableArguments {
  static let help = """
    --out writes the contacts to a file, CSV or JSON lines by its ending (.csv, .ndjson, .jsonl), which is there whole or \
    not at all; what they come to is told as ever. --columns names what goes into it: \
    \(ListColumns.known.joined(separator: ", ")), or hash.

    For an ad platform, --hash makes a list of digests (64 or 32 lower-case hexadecimal digits) of one field, and of nothing \
    else unless --columns or --keep-id asks for it. A field other than the user_id is looked up in the input file (or \
    --hash-from FILE), and must be normalised as the platform does it, or nobody is found:

      email           white space gone, lower case: Meta, TikTok, X, LinkedIn, Google
      email-gmail     and for gmail.com and googlemail.com no dots and no +suffix before the @: Google
      email-plus      and no +suffix before the @, whatever the domain: TikTok's guide asks for it
      phone           E.164, +8613800138000: Google, TikTok
      phone-digits    the same without the +: Meta, Yandex
      phone-national  the same without the country code too, 13800138000: Tencent, Ocean Engine

    They take SHA-256 (Tencent and Ocean Engine MD5 too) and no salt; ask the platform's own guide before you rely on it. \
    Numbers without + or 00 need --country-code, and what is no address or number is left out and counted. A hash of a \
    telephone number without a salt is no secret: all numbers can be tried.

    """

  @Option(help: ArgumentHelp("Write the contacts to this file.", valueName: "file"), completion: .file())
  var out: String?

  @Option(help: ArgumentHelp("csv or ndjson, whatever the file's name.", valueName: "format"))
  var format: ListColumns.Format?

  @Option(help: ArgumentHelp("What goes into the list, in this order.", valueName: "name,name"))
  var columns: String?

  @Flag(help: "CSV without its first line.")
  var noHeader = false

  @Flag(help: "An apostrophe before cells that a spreadsheet takes for formulas: those with =, +, - or @ first.")
  var spreadsheet = false

  @Option(help: ArgumentHelp("Put digests in the place of user_ids: sha256 or md5.", valueName: "digest"))
  var hash: Digest?

  @Option(help: ArgumentHelp("Hash this field of the candidate; by default, the user_id.", valueName: "field"))
  var hashField: String?

  @Option(
    help: ArgumentHelp("Candidates to take that field from, in place of the input.", valueName: "file"),
    completion: .file())
  var hashFrom: String?

  @Option(help: ArgumentHelp("What the digest is called, such as email.", valueName: "name"))
  var hashAs: String?

  @Option(
    name: [.customLong("normalise"), .customLong("normalize")],
    help: ArgumentHelp("How the field is spelled before it is hashed.", valueName: "way"))
  var normalise: Normalisation?

  @Option(help: ArgumentHelp("The country of telephone numbers without + or 00, such as 86.", valueName: "digits"))
  var countryCode: String?

  @Option(help: ArgumentHelp("Hash this text before the value; others on this machine can see it.", valueName: "text"))
  var salt: String?

  @Option(
    help: ArgumentHelp("Hash what is in this file before the value.", valueName: "file"), completion: .file())
  var saltFile: String?

  @Flag(name: .customLong("keep-id"), help: "Leave the user_id beside its digest.")
  var keepID = false

  private var field: String { hashField ?? "user_id" }

  /// nil: JSON lines as they came.
  private var names: [String]? {
    if let columns { return columns.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
    if hash != nil { return (keepID ? ["user_id"] : []) + [ListColumns.hash] }
    return chosenFormat == .csv ? ListColumns.usual : nil
  }

  private var chosenFormat: ListColumns.Format? { format ?? out.flatMap(ListColumns.Format.init(name:)) }

  func validate() throws {
    if let option = [
      ("--format", format != nil), ("--columns", columns != nil), ("--no-header", noHeader),
      ("--spreadsheet", spreadsheet), ("--hash", hash != nil),
    ].first(where: \.1)?.0, out == nil {
      throw ValidationError("\(option) is about a list in a file; give --out FILE too")
    }
    if let out, chosenFormat == nil {
      throw ValidationError(
        "the ending of \(out) does not say what it is; end it with .csv or .ndjson, or give --format")
    }
    if chosenFormat == .ndjson, noHeader || spreadsheet {
      throw ValidationError("\(noHeader ? "--no-header" : "--spreadsheet") is for CSV")
    }
    try validateHash()
    for name in names ?? [] where name != ListColumns.hash || hash == nil {
      guard ListColumns.known.contains(name) else {
        throw ValidationError(
          "--columns: there is no '\(name)'" + Suggestion.sentence(for: name, among: ListColumns.known)
            + (name == ListColumns.hash ? "; --hash makes one" : ""))
      }
    }
    if hash != nil, !keepID, names?.contains("user_id") == true {
      throw ValidationError("--columns: the user_id stays out of a list with --hash; --keep-id leaves it in")
    }
  }

  private func validateHash() throws {
    guard hash != nil else {
      if let option = [
        ("--hash-field", hashField != nil), ("--hash-from", hashFrom != nil), ("--hash-as", hashAs != nil),
        ("--normalise", normalise != nil), ("--country-code", countryCode != nil), ("--salt", salt != nil),
        ("--salt-file", saltFile != nil), ("--keep-id", keepID),
      ].first(where: \.1)?.0 {
        throw ValidationError("\(option) is about a list of digests; give --hash sha256 too")
      }
      return
    }
    if field != "user_id", normalise == nil {
      throw ValidationError(
        "--hash-field \(field): say how it is spelled with --normalise ("
          + Normalisation.allCases.map(\.rawValue).joined(separator: ", ") + "); another spelling is another digest")
    }
    if let countryCode {
      guard (1...3).contains(countryCode.utf8.count), countryCode.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        countryCode.first != "0"
      else { throw ValidationError("'\(countryCode)' for --country-code: give one to three digits, such as 86") }
      guard normalise?.isPhone == true else {
        throw ValidationError("--country-code is for telephone numbers; give --normalise phone too")
      }
    } else if normalise == .phoneNational {
      throw ValidationError("--normalise phone-national needs --country-code: numbers of other countries stay out")
    }
    if salt != nil, saltFile != nil { throw ValidationError("--salt and --salt-file exclude each other") }
  }

  /// nil where no list is asked for.
  ///
  /// - Parameter summary: gets what is told beside the list.
  func list(then summary: any RowSink) throws -> ContactList? {
    guard let out, let chosenFormat else { return nil }
    let hashed = try hash.map {
      HashedField(
        digest: $0, name: field, normalisation: normalise ?? .none, countryCode: countryCode,
        salt: try saltFile.map { try Self.salt($0) } ?? Array((salt ?? "").utf8))
    }
    let columns = ListColumns(
      format: chosenFormat, names: names, hashName: hashAs ?? "\(field)_\(hash?.rawValue ?? "")",
      isForSpreadsheets: spreadsheet)
    return try ContactList(out, columns: columns, hashed: hashed, withHeader: !noHeader, summary: summary)
  }

  private static func salt(_ path: String) throws -> [UInt8] {
    var bytes = try FileInput.contents(of: path, most: 1 << 16)
    while bytes.last == 0x0A || bytes.last == 0x0D { bytes.removeLast() }
    if bytes.isEmpty { throw Failure(.usage, "\(path) is empty; a salt belongs there") }
    return bytes
  }

  /// Where the field to hash comes from; nil where none is needed.
  ///
  /// - Parameters:
  ///   - input: the file of candidates, if there is one.
  ///   - client: the server that has them, if there is none.
  func lookup(input: String?, isCSV: Bool = false, client: Client? = nil) throws -> FieldLookup? {
    guard out != nil, hash != nil, field != "user_id" else { return nil }
    if let hashFrom { return .file(hashFrom, isCSV: InputOptions.isCSV(hashFrom, false)) }
    if let input, input != "-" { return .file(input, isCSV: InputOptions.isCSV(input, isCSV)) }
    if let client { return .audience(client) }
    throw Failure(
      .usage,
      "--hash-field \(field) is looked up in the candidates, and standard input can be read once; give them as a file, "
        + "or with --hash-from FILE")
  }
}

extension ListColumns.Format: ExpressibleByArgument {}
