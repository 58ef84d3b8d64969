import RouseTLS
import RouseWire

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One connection of a load: as many requests under way as it may have, sent ahead, and their answers counted in turn.
final class LoadConnection {
  let socket: LoadSocket
  private let client: Client
  private let requests: LoadRequests
  /// The next request to be sent, and the next to be answered: places among the requests.
  private var next: Int
  private var awaited: Int
  /// When each of those under way was sent, by its number on this connection modulo the room.
  private var sentAt: [MonotonicTime]
  private var sent = 0
  private var answered = 0
  /// Bytes of the requests that OpenSSL has begun to write, and must be offered again.
  private var unwritten: Range<Int>?
  /// What has come: whole lines are taken from `from`; up to `scanned` there is no LF; up to `filled` there are bytes.
  private var inbox: UnsafeMutableRawBufferPointer
  private var from = 0
  private var scanned = 0
  private var filled = 0

  /// Bytes of a line of an answer; a thousand decisions with all that explains them are some megabytes.
  private static let longestLine = 1 << 28

  /// - Parameters:
  ///   - first: the place of the first request to be sent.
  ///   - inFlight: requests that may be under way.
  init(_ client: Client, _ requests: LoadRequests, first: Int, inFlight: Int) throws(ClientError) {
    socket = try LoadSocket(client)
    self.client = client
    self.requests = requests
    next = first
    awaited = first
    sentAt = Array(repeating: 0, count: inFlight)
    inbox = .allocate(byteCount: 1 << 16, alignment: 16)
  }

  deinit { inbox.deallocate() }

  /// Requests that may be under way.
  var room: Int { sentAt.count }
  var underWay: Int { sent - answered }
  /// There are bytes that the socket did not take.
  var waitsToWrite: Bool { unwritten != nil }

  /// Sends as many requests as may be under way, and not more than `most`; returns how many.
  func send(_ now: MonotonicTime, most: Int) throws(ClientError) -> Int {
    if let unwritten {
      guard try write(unwritten) else { return 0 }
    }
    var count = 0
    while unwritten == nil {
      let run = requests.run(from: next, most: min(sentAt.count - underWay, most - count))
      guard run > 0 else { break }
      for _ in 0..<run {
        sentAt[sent % sentAt.count] = now
        sent += 1
      }
      count += run
      let bytes = requests.starts[next]..<requests.starts[next + run]
      next = (next + run) % requests.count
      _ = try write(bytes)
    }
    return count
  }

  /// false where the socket takes no more now.
  private func write(_ range: Range<Int>) throws(ClientError) -> Bool {
    let outcome = requests.bytes.withUnsafeBytes { socket.tls.write(UnsafeRawBufferPointer(rebasing: $0[range])) }
    switch outcome {
    case .bytes: unwritten = nil
    case .wouldBlock: unwritten = range
    case .closedByPeer: throw lost
    case .failed(let error): throw LoadSocket.error(error, client)
    }
    return unwritten == nil
  }

  /// Reads what has come; returns at once where that is nothing, and a blocking socket waits.
  ///
  /// - Parameter take: is told of each answer: its candidates, when its request was sent, and the code of its error.
  /// - Returns: whether anything came.
  func receive(_ take: (_ users: Int, _ sentAt: MonotonicTime, _ error: String?) -> Void) throws(ClientError) -> Bool {
    var isAny = false
    repeat {
      makeRoom()
      switch socket.tls.read(into: UnsafeMutableRawBufferPointer(rebasing: inbox[filled...])) {
      case .bytes(let count):
        filled += count
        isAny = true
        try takeLines(take)
      case .wouldBlock: return isAny
      case .closedByPeer: throw lost
      case .failed(let error): throw LoadSocket.error(error, client)
      }
    } while socket.tls.hasPending
    return isAny
  }

  private func makeRoom() {
    if from == filled {
      from = 0
      scanned = 0
      filled = 0
    }
    guard inbox.count - filled < 1 << 14 else { return }
    if from > inbox.count / 2 {
      inbox.copyMemory(from: UnsafeRawBufferPointer(rebasing: inbox[from..<filled]))
    } else {
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: inbox.count * 2, alignment: 16)
      larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: inbox[from..<filled]))
      inbox.deallocate()
      inbox = larger
    }
    filled -= from
    scanned -= from
    from = 0
  }

  private func takeLines(
    _ take: (_ users: Int, _ sentAt: MonotonicTime, _ error: String?) -> Void
  ) throws(ClientError) {
    guard let base = inbox.baseAddress else { return }
    while let found = memchr(base + scanned, 0x0A, filled - scanned) {
      let end = UnsafeRawPointer(base).distance(to: found)
      let line = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(inbox)[from..<end])
      from = end + 1
      scanned = from
      try takeLine(line, take)
    }
    scanned = filled
    guard filled - from <= Self.longestLine else {
      throw .garbled("\(client.endpoint) sends a line of more than \(Self.longestLine) bytes")
    }
  }

  private func takeLine(
    _ line: UnsafeRawBufferPointer, _ take: (_ users: Int, _ sentAt: MonotonicTime, _ error: String?) -> Void
  ) throws(ClientError) {
    var error: String?
    if underWay == 0 || !Self.isSuccess(line, id: awaited) {
      switch try read(line) {
      case .event: return
      case .success: break
      case .error(let code): error = code
      }
    }
    take(requests.users(of: awaited), sentAt[answered % sentAt.count], error)
    answered += 1
    awaited = (awaited + 1) % requests.count
  }

  /// Whether the line begins with this id and `ok`, as a server of ours writes it.
  private static func isSuccess(_ line: UnsafeRawBufferPointer, id: Int) -> Bool {
    var at = idName.utf8CodeUnitCount
    guard let base = line.baseAddress, line.count > at, memcmp(base, idName.utf8Start, at) == 0 else { return false }
    var number = 0
    while at < line.count, line[at] &- 0x30 <= 9, number <= id {
      number = number * 10 + Int(line[at] - 0x30)
      at += 1
    }
    return number == id && line.count - at >= success.utf8CodeUnitCount
      && memcmp(base + at, success.utf8Start, success.utf8CodeUnitCount) == 0
  }

  private static let idName: StaticString = "{\"id\":"
  private static let success: StaticString = ",\"ok\":true,"

  private enum Answer {
    case success
    /// With its code.
    case error(String)
    /// That answers nothing, and that we need not know.
    case event
  }

  /// Any line, read in full. Throws for what ends the load: an answer to another request than the one whose turn it is,
  /// or no answer at all.
  private func read(_ line: UnsafeRawBufferPointer) throws(ClientError) -> Answer {
    guard let value = JSONValue(line), case .object = value else {
      throw .garbled("\(client.endpoint) sends what is no answer")
    }
    if let event = value["event"]?.text {
      if event == "goodbye" { throw .lost("\(client.endpoint) is being stopped") }
      return .event
    }
    guard let isOK = value["ok"]?.boolean else {
      throw .garbled("\(client.endpoint) sends a row that nobody asked for")
    }
    let fault = ServerFault(value["error"])
    guard let id = value["id"]?.whole else { throw .server(fault) }
    guard id == awaited, underWay > 0 else {
      throw .garbled("\(client.endpoint) answers request \(id), and it is the turn of \(awaited)")
    }
    return isOK ? .success : .error(fault.code)
  }

  private var lost: ClientError { .lost("\(client.endpoint) ended the connection amid the load") }
}
