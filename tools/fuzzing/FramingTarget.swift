import RouseCore
import RouseTLS
import RouseWire

@testable import RouseServer

/// A conversation: a profile, a script of what happens around the bytes, 0xFF (which no UTF-8 has), and the bytes.
func fuzzFraming(_ input: [UInt8]) {
  let cut = input.firstIndex(of: 0xFF) ?? 0
  let script = input[..<cut]
  let run = FramingRun(profile: script.first ?? 0)
  run.feed(input[(input.isEmpty ? 0 : cut)...].drop { $0 == 0xFF }, script.dropFirst())
  run.finish()
}

/// A session without sockets, threads and clock, and what must hold of it whatever happens.
final class FramingRun {
  /// What sessions share; the script changes it under them.
  private final class World: @unchecked Sendable {
    // One thread has it.
    var access: Access
    var overload: Int?
    var mayRefuse = true
    init(_ access: Access) { self.access = access }
  }

  private let world: World
  private let limits: Configuration.Limits
  private let memory: MemoryPool
  private let rankMemory: MemoryPool
  private var session: Session?
  private var jobs: [Session.Job] = []
  private let finished = FinishedJobs()
  private var time = Session.Time(monotonic: 1, wall: Offline.now)
  private var isWritable = true
  private var fed: [UInt8] = []
  private var output: [UInt8] = []
  private var taken = 0
  /// Something may have ended the connection that is not in its bytes.
  private var mayHaveEnded = false
  private var hasDrained = false

  private static let policies: PolicyStore = {
    let text = vector("policy.yaml")
    guard let live = try? LivePolicy.make(text, format: .yaml) else { fatalError("the policy does not load") }
    return PolicyStore(.init(live: live, text: text, since: Offline.now, by: "start"), format: .yaml)
  }()
  private static let token = Token(
    name: "crm", roles: [.score], added: "2026-03-01T02:00:00Z",
    sha256: sha256(Array("rouse_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".utf8)))
  private static let peer = PeerIdentity(
    subjectCommonName: "operator", dnsNames: ["operator"], uris: [], emails: [], ipAddresses: [],
    subject: "CN=operator", notAfter: 0, serial: "1", sha256Fingerprint: "")

  private static func access(_ limits: Configuration.Limits, roles: Set<Configuration.Role>) -> Access {
    var configuration = Configuration(
      listen: Address(host: "127.0.0.1", port: 0), policyFile: "",
      tls: .init(certificateChainFile: "", privateKeyFile: ""),
      identities: [.init(name: "operator", match: .dns("operator"), roles: roles)], limits: limits, drainSeconds: 10,
      logLevel: .info)
    configuration.tokens = Tokens([token].compactMap { $0 })
    return Access(configuration)
  }

  /// - Parameter profile: bits: small limits, nobody known, a rate, little memory.
  init(profile: UInt8) {
    var limits = Configuration.Limits()
    limits.rankBytes = profile & 8 > 0 ? 2000 : 1 << 30
    if profile & 1 > 0 {
      limits.lineBytes = 300
      limits.inlineCandidates = 3
      limits.streamCandidates = 5
      limits.inFlight = 3
    }
    if profile & 4 > 0 { limits.requestsPerSecond = 1 }
    if profile & 8 > 0 { limits.unfinishedBytes = 1000 }
    self.limits = limits
    let world = World(Self.access(limits, roles: [.score, .tune]))
    self.world = world
    memory = MemoryPool(size: limits.unfinishedBytes)
    rankMemory = MemoryPool(size: limits.rankBytes)
    let shared = Session.Shared(
      limits: limits, access: { world.access }, policies: Self.policies,
      activate: { (change) throws(WireError) in
        guard change.against == Self.policies.versions[0].name else { throw WireError(.conflict, "another is live") }
        return PolicyOutcome(policy: Self.policies.versions[0].name, was: change.against, state: .proposed)
      }, decide: { (_) throws(WireError) in throw WireError(.notFound, "nothing is proposed") }, memory: memory,
      rankMemory: rankMemory, overload: { world.overload }, mayRefuse: { _ in world.mayRefuse },
      serverVersion: "test", notesAnswers: { true })
    let session = Session(shared, at: time)
    self.session = session
    session.begin(profile & 2 > 0 ? nil : Self.peer, at: time)
    take()
  }

  // MARK: - What happens

  func feed(_ bytes: ArraySlice<UInt8>, _ script: ArraySlice<UInt8>) {
    var rest = bytes
    var hasEnded = false
    for step in script {
      switch step {
      case 0..<0x7F: send(&rest, Int(step) + 1)
      case 0x7F: send(&rest, 4096)
      case 0x80..<0x90: runJob(Int(step))
      case 0x90: wait(1_000_000)
      case 0x91: wait(30_000_000)
      case 0x92...0x96: wait([1, 5, 31, 61, 301][Int(step) - 0x92] * 1_000_000_000)
      case 0x97: wake()
      case 0x98: setWritable(false)
      case 0x99: setWritable(true)
      case 0x9A: (world.overload, world.mayRefuse) = (100, false)
      case 0x9B: (world.overload, world.mayRefuse) = (100, true)
      case 0x9C: world.overload = nil
      case 0x9D: world.access = Self.access(limits, roles: [])
      case 0x9E: world.access = Self.access(limits, roles: [.score])
      case 0xA0: drain()
      case 0xA1: expire()
      case 0xA2:
        session?.endInput(at: time)
        (hasEnded, mayHaveEnded) = (true, true)
        take()
      default: send(&rest, (Int(step) - 0x9F) * 50)
      }
      if hasEnded { break }
    }
    while !hasEnded, !rest.isEmpty, session?.wantsClose == false { send(&rest, 1 << 16) }
  }

  /// As a socket does: nothing comes while the session wants nothing. What it waits for then happens.
  private func send(_ rest: inout ArraySlice<UInt8>, _ count: Int) {
    guard let session, !rest.isEmpty, !session.wantsClose else { return }
    if !session.wantsBytes { settle { session.wantsBytes } }
    if session.wantsClose { return }
    demand(session.wantsBytes, "all is done, and it wants no more bytes")
    let piece = Array(rest.prefix(count))
    rest = rest.dropFirst(count)
    fed += piece
    piece.withUnsafeBytes { session.receive($0, at: time) }
    take()
  }

  private func runJob(_ choice: Int) {
    guard let session, !jobs.isEmpty else { return }
    let job = jobs.remove(at: choice % jobs.count)
    finished.begin(job)
    // Without a ledger all work is done where it is begun.
    if let done = finished.next() { session.finish(done.serial, done.result, at: time) }
    take()
  }

  private func wait(_ nanoseconds: UInt64) {
    time.monotonic += nanoseconds
    time.wall += Int64(nanoseconds / 1_000_000_000)
    wake()
  }

  private func wake() {
    guard let session, !session.wantsClose else { return }
    mayHaveEnded = true
    if !session.wake(at: time) { return abandon() }
    take()
    // A timer that is due at once, again and again, is a loop that never rests.
    if !session.wantsClose, session.nextWake() <= time.monotonic, session.wake(at: time) {
      take()
      demand(
        session.wantsClose || session.nextWake() > time.monotonic,
        "woken twice, it wants to be woken at once")
    }
  }

  private func setWritable(_ value: Bool) {
    guard let session else { return }
    isWritable = value
    session.setWritable(value, unsent: 0, at: time)
    take()
  }

  private func drain() {
    (mayHaveEnded, hasDrained) = (true, true)
    session?.drain(at: time)
    take()
  }

  private func expire() {
    mayHaveEnded = true
    session?.expire(at: time)
    take()
  }

  private func take() {
    guard let session else { return }
    _ = session.takeNotices()
    jobs += session.takeJobs()
    guard isWritable else { return }
    while session.output.count > 0 {
      output += session.output.array
      session.output.removeAll()
      session.outputTaken(unsent: 0)
      _ = session.takeNotices()
      jobs += session.takeJobs()
    }
  }

  /// Lets the peer read, runs the jobs and moves the clock to what is held off, until that is enough.
  private func settle(until isEnough: () -> Bool) {
    world.mayRefuse = true
    setWritable(true)
    for _ in 0..<100_000 {
      if isEnough() { return }
      if !jobs.isEmpty {
        runJob(0)
      } else if let until = session?.heldOffUntil {
        wait(until > time.monotonic ? until - time.monotonic : 0)
      } else {
        return
      }
    }
    demand(false, "it does not come to rest")
  }

  private func abandon() {
    session?.abandon()
    session = nil
    // Threads end what they have begun.
    for job in jobs { job.run { _ in } }
    jobs = []
    demand(memory.used == 0, "\(memory.used) bytes are not given back")
    demand(rankMemory.used == 0, "\(rankMemory.used) bytes of ranks are not given back")
  }

  // MARK: - What must hold

  func finish() {
    settle { false }
    check()
    if let session, !session.wantsClose { checkUsable(session) }
    if let session, session.wantsClose {
      let count = output.count
      expire()
      session.endInput(at: time)
      settle { false }
      demand(output.count == count, "it speaks after its last word")
    }
    abandon()
  }

  private func check() {
    let requests = Requests(fed, longest: limits.lineBytes)
    var answers: [StrictJSON] = []
    var rows = 0
    let lines = output.split(separator: 0x0A, omittingEmptySubsequences: false)
    demand(lines.last?.isEmpty == true, "its last line has no LF")
    for line in lines.dropLast() {
      guard let value = StrictJSON.read(line), case .object = value else {
        return demand(false, "\(shown(line)) is no JSON")
      }
      if case .boolean? = value["ok"] {
        answers.append(value)
      } else if value["event"] != nil {
        demand(hasDrained && line.endIndex == output.count - 1, "a goodbye out of place")
      } else {
        rows += 1
      }
    }
    demand(rows <= requests.lines, "\(requests.lines) lines have \(rows) rows")
    // The greatest answer to a few bytes is the policy's own text; an explained candidate is half of it.
    demand(
      output.count <= (requests.lines + fed.count { $0 == 0x7B } + 2) << 15 + fed.count * 16,
      "\(fed.count) bytes are answered with \(output.count)")

    let expected = requests.answered + (requests.open.map { [$0] } ?? [])
    for (index, answer) in answers.enumerated() {
      let isLast = index == answers.count - 1
      if index < expected.count, expected[index].fits(answer) { continue }
      demand(isLast && index <= expected.count && closes(answer), "answer \(index) is to no request: \(answer)")
    }
    guard session?.wantsClose == false else {
      let last = answers.last.map(closes) ?? false
      demand(
        mayHaveEnded || last || requests.isTooLong || requests.tokens >= Session.mostBadTokens, "closed for no reason")
      return
    }
    demand(!requests.isTooLong, "a line that is too long is taken")
    let open = requests.open != nil && answers.count == expected.count ? 1 : 0
    demand(
      answers.count == requests.answered.count + open,
      "\(requests.answered.count) requests have \(answers.count) answers")
  }

  private func closes(_ answer: StrictJSON) -> Bool {
    guard answer["ok"] == .boolean(false), let code = answer["error"]?["code"] else { return false }
    return ["line_too_long", "incomplete_line", "idle_timeout", "shutting_down", "overloaded"].contains {
      code.isText($0)
    }
  }

  /// After all that happened the next request is answered.
  private func checkUsable(_ session: Session) {
    var line = Array("\n".utf8)
    if Requests(fed + line, longest: limits.lineBytes).open != nil { line += Array("{\"op\":\"cancel\"}\n".utf8) }
    line += Array("{\"op\":\"ping\",\"id\":\"still-there\"}\n".utf8)
    // Its last line may end in blanks that the LF would make too long.
    if Requests(fed + line, longest: limits.lineBytes).isTooLong || hasDrained { return }
    var rest = line[...]
    while !rest.isEmpty, !session.wantsClose { send(&rest, 40) }
    settle { false }
    // A line that had begun may be a request that ends the connection.
    if session.wantsClose, Requests(fed, longest: limits.lineBytes).tokens >= Session.mostBadTokens { return }
    let pong = Array("{\"id\":\"still-there\",\"ok\":true}\n".utf8)
    demand(output.suffix(pong.count) == pong[...], "the next request is answered with \(shown(output.suffix(200)))")
  }
}

/// What a client has asked, by a plain reading of all it has sent.
private struct Requests {
  struct Request {
    /// As it is spelled; nil: it has none.
    let id: [UInt8]?
    /// Its line is no JSON object, so its answer may say what of the id could be read.
    let isFaulty: Bool

    func fits(_ answer: StrictJSON) -> Bool {
      isFaulty || answer.members.first { $0.name == Array("id".unicodeScalars) }?.spelling == id
    }
  }
  private(set) var answered: [Request] = []
  /// A stream that has not been ended.
  private(set) var open: Request?
  private(set) var lines = 0
  private(set) var isTooLong = false
  /// How many may have been wrong.
  private(set) var tokens = 0

  init(_ bytes: [UInt8], longest: Int) {
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
      let line = rest[..<end]
      rest = rest[(end + 1)...]
      if line.count > longest {
        isTooLong = true
        return
      }
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      lines += 1
      add(StrictJSON.read(line))
    }
    isTooLong = rest.count > longest
  }

  private mutating func add(_ line: StrictJSON?) {
    let operation = line?["op"]
    if let stream = open {
      guard let operation, operation.isText("end") || operation.isText("cancel") else { return }
      answered.append(stream)
      open = nil
      return
    }
    guard let line, case .object(let members) = line else { return answered.append(Request(id: nil, isFaulty: true)) }
    if operation?.isText("auth") == true { tokens += 1 }
    let request = Request(id: Self.id(members), isFaulty: false)
    if line["stream"] == .boolean(true) { open = request } else { answered.append(request) }
  }

  /// A text of at most 1024 bytes as spelled, or an integer of at most 40 characters.
  private static func id(_ members: [StrictJSON.Member]) -> [UInt8]? {
    guard let member = members.first(where: { $0.name == Array("id".unicodeScalars) }) else { return nil }
    switch member.value {
    case .text: return member.spelling.count <= 1026 ? member.spelling : nil
    case .number(let digits):
      return digits.utf8.count <= 40 && !digits.contains { ".eE".contains($0) } ? member.spelling : nil
    default: return nil
    }
  }
}
