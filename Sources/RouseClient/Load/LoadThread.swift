import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The connections that one thread of a load looks after.
final class LoadThread {
  /// What the threads of a load have in common.
  struct Course {
    /// What is answered from here to `end` counts.
    let start: MonotonicTime
    /// When no more is sent.
    let end: MonotonicTime
    /// Requests to be counted before the end; nil: as many as there is time for.
    let requests: Int?
  }

  private let connections: [LoadConnection]
  private let client: Client
  private var tally = LoadTally()
  /// When the last answer that counts came.
  private(set) var last: MonotonicTime = 0

  /// Nanoseconds without an answer after which there is none to come.
  private static let patience: MonotonicTime = 60 * 1_000_000_000

  init(_ client: Client, _ connections: [LoadConnection]) {
    self.client = client
    self.connections = connections
  }

  /// Sends and counts until the course is over and all is answered.
  func run(_ course: Course) throws(ClientError) -> LoadTally {
    if connections.count == 1, let connection = connections.first, connection.room == 1 {
      try runInTurn(connection, course)
    } else {
      try runAhead(course)
    }
    return tally
  }

  /// How many requests may still be sent, where answers before the start are for warming up.
  private func allowance(_ course: Course, now: MonotonicTime, underWay: Int) -> Int {
    if now >= course.end { return 0 }
    guard let requests = course.requests, now >= course.start else { return .max }
    return max(0, requests - tally.requests - underWay)
  }

  private func count(_ users: Int, _ sentAt: MonotonicTime, _ error: String?, _ now: MonotonicTime, _ course: Course) {
    guard now >= course.start, now <= course.end else { return }
    last = now
    tally.requests += 1
    if let error {
      tally.errors[error, default: 0] += 1
    } else {
      tally.users += users
    }
    tally.latencies.record(UInt64(clamping: now - sentAt))
  }

  /// One connection with one request under way needs no one to tell it when to read.
  private func runInTurn(_ connection: LoadConnection, _ course: Course) throws(ClientError) {
    var now = monotonicTime()
    while allowance(course, now: now, underWay: 0) > 0 {
      _ = try connection.send(now, most: 1)
      while connection.underWay > 0 {
        let isAny = try connection.receive { users, sentAt, error in
          now = monotonicTime()
          count(users, sentAt, error, now, course)
        }
        if !isAny { throw noAnswer }
      }
    }
  }

  private var noAnswer: ClientError { .lost("\(client.endpoint) has not answered for a minute") }

  private func runAhead(_ course: Course) throws(ClientError) {
    for connection in connections { connection.socket.stopBlocking() }
    var watched = connections.map { pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0) }
    var now = monotonicTime()
    var heard = now
    var underWay = 0

    func send(_ index: Int) throws(ClientError) {
      underWay += try connections[index].send(now, most: allowance(course, now: now, underWay: underWay))
      watched[index].events = Int16(connections[index].waitsToWrite ? POLLIN | POLLOUT : POLLIN)
    }

    for index in connections.indices { try send(index) }
    while underWay > 0 {
      let ready = poll(&watched, nfds_t(watched.count), 1000)
      now = monotonicTime()
      if ready > 0 { heard = now }
      guard now - heard < Self.patience else { throw noAnswer }
      for index in watched.indices where watched[index].revents != 0 {
        let before = connections[index].underWay
        _ = try connections[index].receive { users, sentAt, error in
          count(users, sentAt, error, now, course)
        }
        underWay -= before - connections[index].underWay
        try send(index)
      }
    }
  }
}
