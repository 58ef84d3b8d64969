import Foundation
import RouseCore
import RouseWire

/// What approvals need to outlast a server: the live policy and those that wait, in a file beside the policy's, a JSON
/// object a line. Without it, whoever stops a server, or waits until it stops, could change the policy in between.
struct ApprovalFile: Sendable, Equatable {
  /// What was live last; nil where no approval was needed.
  var live: Live?
  var proposals: [PolicyProposal] = []

  struct Live: Sendable, Equatable {
    let policy: String
    let text: [UInt8]
    let format: PolicyFormat
  }

  /// Where it stands for a policy's file.
  static func path(_ policyFile: String) -> String { policyFile + ".approval" }

  /// Nothing when there is no file.
  static func read(_ path: String) throws(ConfigurationError) -> ApprovalFile {
    var read = ApprovalFile()
    guard FileManager.default.fileExists(atPath: path) else { return read }
    let remedy =
      "put back what the server wrote; or remove it: then the policy's file is live as it stands, and proposals are lost"
    let bytes = try readFile(path, what: "the record of approvals", remedy: remedy)
    for (index, line) in bytes.split(separator: 0x0A).enumerated() {
      guard let entry = JSONValue(line), let policy = entry["policy"]?.text, let text = entry["text"]?.text,
        let format = entry["format"]?.text.flatMap(PolicyFormat.init), isVersion(policy, of: Array(text.utf8))
      else {
        throw ConfigurationError("\(path):\(index + 1): this is no entry of the record of approvals; \(remedy)")
      }
      if entry["state"]?.text == "live" {
        read.live = Live(policy: policy, text: Array(text.utf8), format: format)
      } else if let against = entry["against"]?.text, let author = entry["author"]?.text,
        let at = entry["at"]?.text.flatMap(Moment.parse), read.proposals.count < PolicyProposal.most
      {
        read.proposals.append(
          PolicyProposal(
            policy: policy, text: Array(text.utf8), format: format, against: against, author: author, at: at))
      }
    }
    return read
  }

  /// A version ends with the beginning of its text's hash.
  private static func isVersion(_ name: String, of text: [UInt8]) -> Bool {
    name.utf8.suffix(13).elementsEqual("@\(hexadecimal(sha256(text)).prefix(12))".utf8)
  }

  /// Replaces the file in one step; with nothing to tell there is none.
  func write(_ path: String) throws(FileReplacement.Failed) {
    guard live != nil || !proposals.isEmpty else {
      unlink(path)
      return
    }
    var out = ByteWriter(capacity: 1 << 16)
    if let live {
      out.write("{\"state\":\"live\"")
      Self.write(live.policy, live.text, live.format, into: &out)
    }
    for proposal in proposals {
      out.write("{\"state\":\"proposed\",\"against\":")
      out.writeQuoted(proposal.against)
      out.write(",\"author\":")
      out.writeQuoted(proposal.author)
      out.write(",\"at\":")
      out.writeQuoted(Moment.format(proposal.at))
      Self.write(proposal.policy, proposal.text, proposal.format, into: &out)
    }
    try FileReplacement(path, out.array).commit()
  }

  private static func write(_ policy: String, _ text: [UInt8], _ format: PolicyFormat, into out: inout ByteWriter) {
    out.write(",\"policy\":")
    out.writeQuoted(policy)
    out.write(",\"format\":")
    out.writeQuoted(format.rawValue)
    out.write(",\"text\":")
    text.withUnsafeBytes { out.writeQuoted($0) }
    out.write("}\n")
  }
}
