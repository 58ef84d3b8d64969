import Dispatch
import Glibc
import Logging
import RouseWire
import Synchronization

/// Who changed what, in a file that is only ever appended to: one JSON object a line, each with the hash of the line
/// before it, so that no line can be changed or taken out without all that follow being written anew.
///
/// Several processes may write to one file. Each append opens it, locks it, goes on from its true last line, and returns
/// once the line is on the disk; nothing is remembered that another process could make untrue.
package final class AuditLog: Sendable {
  package let file: String
  private let logger: Logger?
  /// How many milliseconds another process may keep the file to itself.
  private let patience: Int
  private let now: @Sendable () -> LogTime
  private let write: @Sendable (Int32, UnsafeRawBufferPointer) -> Int
  /// The last entry that this process has seen in the file.
  private let known = Mutex(AuditPosition.none)

  /// Opens the file, makes it (mode 0600) if it is not there, and takes out what a crash has left of a line.
  /// - Parameters:
  ///   - logger: told of damage that is found.
  package convenience init(file: String, logger: Logger? = nil) throws(ConfigurationError) {
    try self.init(file: file, logger: logger, patience: AuditFile.patience, now: LogTime.now) {
      Glibc.write($0, $1.baseAddress, $1.count)
    }
  }

  /// - Parameter write: takes a whole write's bytes, and answers as write(2) does.
  init(
    file: String, logger: Logger?, patience: Int, now: @escaping @Sendable () -> LogTime,
    write: @escaping @Sendable (Int32, UnsafeRawBufferPointer) -> Int
  ) throws(ConfigurationError) {
    self.file = file
    self.logger = logger
    self.patience = patience
    self.now = now
    self.write = write
    do throws(AuditError) {
      try append([])
    } catch {
      throw ConfigurationError(error.description)
    }
  }

  /// Whether a server could open it, without making or changing anything.
  package static func check(file: String) throws(ConfigurationError) {
    do throws(AuditError) {
      guard access(file, F_OK) == 0 else {
        guard access(AuditFile.folder(of: file), W_OK | X_OK) == 0 else { throw .system(file, "cannot be made") }
        return
      }
      let opened = try AuditFile(file, flags: O_RDWR)
      _ = try AuditTail(opened.descriptor, file: file, size: opened.size())
    } catch {
      throw ConfigurationError(error.description)
    }
  }

  /// Reads all of the file on another thread, and logs an error if it is not as it was written. The log goes on behind a
  /// broken place all the same: what comes after it is as good as ever.
  package func verifyInBackground() {
    DispatchQueue.global(qos: .utility).async { self.verify() }
  }

  func verify() {
    do throws(AuditError) {
      guard case .broken(let line, let reason) = try AuditVerification.run(file: file) else { return }
      logger?.error(
        "the audit log is broken",
        metadata: ["file": .string(file), "line": .stringConvertible(line), "reason": .string(reason)])
    } catch {
      logger?.error("the audit log cannot be verified", metadata: ["reason": .string(error.description)])
    }
  }

  /// Writes an event, and returns once it is on the disk. It waits for the disk, so it is not for an event loop.
  /// - Returns: the entry's place; kept elsewhere it shows later whether the file has been rewritten.
  @discardableResult
  package func append(_ event: AuditEvent) throws(AuditError) -> AuditPosition { try append([event]) }

  /// Several events at the price of one. Either all of them are in the file, or none.
  @discardableResult
  package func append(_ events: [AuditEvent]) throws(AuditError) -> AuditPosition {
    try known.withLock { known throws(AuditError) in
      let opened = try openLocked()
      let tail = try AuditTail(opened.descriptor, file: file, size: opened.size())
      let repairs = try repair(tail, opened, known)
      let all = repairs + events
      known = all.isEmpty ? tail.position : try write(all, behind: tail, to: opened)
      return known
    }
  }

  private func openLocked() throws(AuditError) -> AuditFile {
    for _ in 0..<10 {
      let opened = try AuditFile(file, flags: O_RDWR | O_APPEND | O_CREAT)
      try opened.lock(LOCK_EX, patience: patience)
      // Between the two someone may have moved it away, and what is written there would never be found.
      if opened.isInPlace() { return opened }
    }
    throw AuditError(file, "the audit log is replaced again and again; see what does it")
  }

  /// Takes out what is left of a line whose write was cut off.
  /// - Returns: what is to be told of it, and of a file that is not the one this process knows.
  private func repair(
    _ tail: AuditTail, _ opened: borrowing AuditFile, _ known: AuditPosition
  ) throws(AuditError) -> [AuditEvent] {
    var events: [AuditEvent] = []
    if !tail.torn.isEmpty {
      try opened.cut(to: tail.wholeBytes)
      logger?.warning(
        "the audit log ended amid a line, which was taken out",
        metadata: ["file": .string(file), "bytes": .stringConvertible(tail.torn.count)])
      events.append(.recovered(bytes: tail.torn.count, text: String(decoding: tail.torn, as: UTF8.self)))
    }
    if tail.position.seq < known.seq || tail.position.seq == known.seq && tail.position != known {
      logger?.error(
        "the audit log was moved away or changed; it goes on in what is there now",
        metadata: ["file": .string(file), "last": .string(known.description)])
      events.append(.fileReplaced(last: known))
    }
    return events
  }

  private func write(
    _ events: [AuditEvent], behind tail: AuditTail, to opened: borrowing AuditFile
  ) throws(AuditError) -> AuditPosition {
    var lines = ByteWriter(capacity: 1024)
    var position = tail.position
    let time = now()
    for event in events { position = position.writeNext(event, at: time, into: &lines) }
    do throws(AuditError) {
      errno = 0
      // In one piece, so that it is there whole or cut off at its end.
      guard write(opened.descriptor, lines.bytes) == lines.count else {
        throw .system(file, "cannot be written", errno == 0 ? ENOSPC : errno)
      }
      try opened.sync(isNew: tail.wholeBytes == 0)
    } catch {
      // What was not promised shall not be found there. Where even this fails, the next append repairs it.
      try? opened.cut(to: tail.wholeBytes)
      throw error
    }
    return position
  }
}
