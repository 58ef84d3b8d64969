import Foundation
import RouseCore
import RouseWire

/// A list of contacts on its way into a file.
final class ContactList: RowSink {
  private let file: NewFile
  private var columns: ListColumns
  private let hashed: HashedField?
  /// Where what is told beside the list goes.
  private let summary: any RowSink
  /// Rows whose field is to be looked up once all are known.
  private let spool: Spool?
  private var spooled = 0
  /// The number of each one's row.
  private var users: [ExactText: Int32] = [:]
  private var last: [UInt8] = []
  private var listed = 0
  private var skipped = 0

  /// - Parameter path: found out to be writable here, before anything is asked of a server.
  init(_ path: String, columns: ListColumns, hashed: HashedField?, withHeader: Bool, summary: any RowSink) throws {
    file = try NewFile(path)
    self.columns = columns
    self.hashed = hashed
    self.summary = summary
    spool = hashed?.isInRow == false ? try Spool(beside: path) : nil
    guard withHeader else { return }
    var out = ByteWriter()
    self.columns.writeHeader(into: &out)
    try file.write(out.bytes)
  }

  func rows(_ bytes: UnsafeRawBufferPointer) throws {
    if let spool {
      try spool.write(bytes)
      for line in bytes.split(separator: 0x0A) {
        if let id = JSONValue(line)?.userID { users[ExactText(id)] = Int32(clamping: spooled) }
        spooled += 1
      }
    } else if columns.names == nil, hashed == nil {
      listed += lineCount(bytes)
      try file.write(bytes)
    } else {
      var out = ByteWriter(capacity: bytes.count)
      for line in bytes.split(separator: 0x0A) {
        guard let row = JSONValue(line) else { continue }
        try write(row, try hashed?.hash(of: row), into: &out)
      }
      try file.write(out.bytes)
    }
  }

  private func write(_ row: JSONValue, _ digest: [UInt8]?, into out: inout ByteWriter) throws {
    if hashed != nil, digest == nil {
      skipped += 1
      return
    }
    listed += 1
    columns.write(row, hash: String(decoding: Digest.hex(digest ?? []), as: UTF8.self), into: &out)
  }

  func finish(_ line: [UInt8]) throws { last = line }

  /// Puts the file in its place, and tells what it holds.
  ///
  /// - Returns: rows that are not on the list, for they have no field to hash.
  func complete(_ lookup: FieldLookup?) async throws -> Int {
    if let spool, let hashed, let lookup { try await fill(spool, hashed, lookup) }
    try file.commit()
    try summary.finish(last)
    if skipped > 0, let hashed {
      StandardError.write(
        "rouse: \(grouped(skipped)) of \(grouped(skipped + listed)) contacts are not on the list: they have no '\(hashed.name)' "
          + "that can be hashed\n")
    }
    if columns.formulas > 0 {
      StandardError.write(
        "rouse: \(grouped(columns.formulas)) cells begin with =, +, - or @, which a spreadsheet takes for a formula; before "
          + "you open the file in one, write it with --spreadsheet\n")
    }
    return skipped
  }

  private func fill(_ spool: Spool, _ hashed: HashedField, _ lookup: FieldLookup) async throws {
    // Digests one after the other: tens of bytes a contact, however many candidates there are.
    let size = hashed.digest.size
    var digests = [UInt8](repeating: 0, count: spooled * size)
    var isKnown = [Bool](repeating: false, count: spooled)
    try await lookup.each(users) { number, candidate in
      guard isKnown.indices.contains(number), let digest = try hashed.hash(of: candidate) else { return }
      isKnown[number] = true
      digests.replaceSubrange((number * size)..<((number + 1) * size), with: digest)
    }
    users = [:]
    let source = try spool.read()
    var number = 0
    while let block = try source.next()?.block {
      var out = ByteWriter(capacity: block.count)
      for line in block.bytes.split(separator: 0x0A) {
        defer { number += 1 }
        guard let row = JSONValue(line), isKnown.indices.contains(number) else { continue }
        let digest = isKnown[number] ? Array(digests[(number * size)..<((number + 1) * size)]) : nil
        try write(row, digest, into: &out)
      }
      try file.write(out.bytes)
    }
  }
}
