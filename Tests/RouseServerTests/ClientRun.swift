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
}
