import RouseCore
import RouseWire

extension Session {
  /// Begins a shadow, tells what came of it, or ends it and tells for the last time.
  func shadow(_ request: Request, _ deadline: UInt64?, _ arrival: UInt64) throws(WireError) {
    guard let shadow = shared.shadow else {
      throw WireError(.notFound, "this server lets no policy decide beside the live one", at: "/do")
    }
    let by = identity?.name ?? ""
    let text = request.policyAction == .activate ? Array((request.text ?? "").utf8) : nil
    let format = request.format
    let ends = request.policyAction == .shadow && request.shadow == false
    if request.policyAction == .shadow, request.isShadow {
      throw WireError(
        .badRequest, "a shadow begins by do activate with its text and shadow true; false ends it here", at: "/shadow")
    }
    serial += 1
    // What has begun or ended cannot be taken back, so its answer is never "too late".
    let lasts = text != nil || ends
    state = .busy(
      Pending(
        id: request.id, operation: .policy, context: nil, deadline: lasts ? nil : deadline, began: arrival))
    schedule(.quick) {
      do throws(WireError) {
        if let text { try shadow.begin(text, format, by: by) }
        let report = shadow.report()
        if ends { try shadow.end(by: by) }
        return .reply(report)
      } catch {
        return .failed(error)
      }
    }
  }
}
