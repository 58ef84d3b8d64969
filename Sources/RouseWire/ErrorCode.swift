/// Every error a reply may carry, in order of precedence: where several are true of a request, the first is given.
package enum ErrorCode: String, Sendable, CaseIterable {
  case badJSON = "bad_json"
  case duplicateKey = "duplicate_key"
  case notAnObject = "not_an_object"
  case tooDeep = "too_deep"
  case unknownOp = "unknown_op"
  case unauthenticated
  case forbidden
  case badRequest = "bad_request"
  case tooMany = "too_many"
  case notFound = "not_found"
  case conflict
  case rateLimited = "rate_limited"
  case overloaded
  case deadlineExceeded = "deadline_exceeded"
  case cancelled
  case storageFailed = "storage_failed"
  case lineTooLong = "line_too_long"
  case incompleteLine = "incomplete_line"
  case idleTimeout = "idle_timeout"
  case shuttingDown = "shutting_down"
  case `internal`

  /// Whether the connection is closed after the reply.
  package var closes: Bool {
    switch self {
    case .lineTooLong, .incompleteLine, .idleTimeout, .shuttingDown: true
    default: false
    }
  }
}

/// One thing wrong with a policy's text, as the peer sees it.
package struct PolicyFinding: Sendable, Equatable {
  package var kind: String
  /// Of the key, with dots.
  package var path: String
  /// Counted from 1, a column in characters; nil in JSON.
  package var line: Int?
  package var column: Int?
  package var message: String

  package init(kind: String, path: String, line: Int?, column: Int?, message: String) {
    self.kind = kind
    self.path = path
    self.line = line
    self.column = column
    self.message = message
  }
}

/// An error as the peer sees it: a closed code, a place, prose. It never carries a candidate's data.
package struct WireError: Error, Sendable, Equatable {
  package var code: ErrorCode
  package var message: String
  /// JSON pointer (RFC 6901) into the request.
  package var at: String?
  /// Byte of the line, from 0.
  package var offset: Int?
  package var retryAfterMS: Int?
  /// What is wrong with a policy's text.
  package var diagnostics: [PolicyFinding] = []

  package init(_ code: ErrorCode, _ message: String, at: String? = nil, offset: Int? = nil, retryAfterMS: Int? = nil) {
    self.code = code
    self.message = message
    self.at = at
    self.offset = offset
    self.retryAfterMS = retryAfterMS
  }

  init(_ fault: JSONFault) {
    switch fault.kind {
    case .syntax:
      self.init(
        .badJSON, "the line is no JSON text by RFC 8259 and 7493; it goes wrong at this byte", offset: fault.offset)
    case .duplicateKey:
      self.init(.duplicateKey, "an object names a member twice; the second begins at this byte", offset: fault.offset)
    case .notAnObject:
      self.init(.notAnObject, "a request is one JSON object a line", offset: fault.offset)
    case .tooDeep:
      self.init(.tooDeep, "objects and lists may nest \(JSONScanner.deepest) deep", offset: fault.offset)
    }
  }
}
