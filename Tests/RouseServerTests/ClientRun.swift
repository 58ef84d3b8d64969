import Foundation

/// The bundled client, run to its end, with no profile or token of whoever runs the tests.
struct ClientRun {
  let code: Int32
  let output: String
  let error: String

  init(_ arguments: [String], input: String = "", environment: [String: String] = [:]) throws {
    let ended = try ServerProcess.run(
      "rouse", arguments, input: Array(input.utf8),
      environment: ["ROUSE_PROFILE": "", "ROUSE_TOKEN": ""].merging(environment) { $1 })
    code = ended.code
    output = String(decoding: ended.output, as: UTF8.self)
    error = ended.error
  }

  /// Runs it as on terminals of several widths: nothing is wider than they are, and no number is lost or cut by that.
  /// - Parameter part: of what the widest shows, which must be whole on the others.
  static func onTerminals(_ arguments: [String], part: (String) -> String = { $0 }) throws -> [Terminal] {
    let terminals = try [80, 100, 200].map { width in
      let run = try ClientRun(arguments, environment: ["COLUMNS": "\(width)"])
      return Terminal(
        width: width, code: run.code, lines: run.output.split(separator: "\n").map(String.init),
        numbers: numbers(part(run.output)))
    }
    return terminals
  }

  struct Terminal {
    let width: Int
    let code: Int32
    let lines: [String]
    /// Words with digits, each as often as it stands there.
    let numbers: [String: Int]

    /// Those that another shows more often.
    func lacks(of other: Terminal) -> [String] {
      other.numbers.filter { numbers[$0.key, default: 0] < $0.value }.map(\.key).sorted()
    }
  }

  private static func numbers(_ text: String) -> [String: Int] {
    let words = text.split { $0 == " " || $0 == "\n" }.filter { $0.contains(where: \.isNumber) }
    return words.reduce(into: [:]) { $0[String($1), default: 0] += 1 }
  }
}
