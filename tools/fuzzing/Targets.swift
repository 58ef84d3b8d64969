import Foundation

/// What libFuzzer calls with one input after another. It stops at the first trap, fault of memory, or `demand` that fails,
/// and keeps the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  target(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// One binary holds all targets: that saves linking it seven times.
private let target: @Sendable ([UInt8]) -> Void = {
  switch ProcessInfo.processInfo.environment["ROUSE_FUZZ_TARGET"] {
  case "framing": fuzzFraming
  case "json": fuzzJSON
  case "candidate": fuzzCandidate
  case "condition": fuzzCondition
  case "policy": fuzzPolicy
  case "event": fuzzEvent
  case "load": fuzzLoad
  case let other: fatalError("ROUSE_FUZZ_TARGET names no target: \(other ?? "it is not set")")
  }
}()

/// Ends the run with a finding, unless the condition holds.
func demand(_ condition: Bool, _ what: @autoclosure () -> String) {
  if !condition { fatalError("FINDING: \(what())") }
}

func shown(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self).debugDescription }

/// A file of the vectors that the specification and the tests share.
func vector(_ path: String) -> [UInt8] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "proto-spec/vectors")
  guard let data = try? Data(contentsOf: folder.appending(path: path)) else { fatalError("there is no vector \(path)") }
  return Array(data)
}
