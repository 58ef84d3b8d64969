internal import CYaml

/// The events of libyaml, which Yams brings: its own tree takes canonically equal keys for one, and loses the places
/// of repeated keys.
struct YAMLEvents: ~Copyable {
  enum Event {
    case documentStart(hasDirectives: Bool)
    case documentEnd
    case mapStart, mapEnd
    case listStart, listEnd
    case scalar(Scalar)
    case alias
    case streamEnd
  }

  struct Scalar {
    let text: String
    let quoted: Bool
    /// `|` or `>`.
    let block: Bool
    let oneLine: Bool
  }

  struct Place {
    let line: Int
    let column: Int
    /// In characters from the start of the text.
    let index: Int

    var mark: Document.Mark { .place(line: line, column: column) }
  }

  /// On the heap: libyaml keeps pointers into it.
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// - Parameter text: must outlive the events.
  init(_ text: UnsafeBufferPointer<UInt8>) throws(Fault) {
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      throw Fault("there is not enough memory to read the file", at: .place(line: 1, column: 1))
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event and the place of its first character.
  mutating func next() throws(Fault) -> (event: Event, place: Place) {
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else { throw fault }
      defer { yaml_event_delete(&event) }
      if let read = Self.read(event) { return (read, Self.place(event.start_mark)) }
    }
  }

  private static func read(_ event: yaml_event_t) -> Event? {
    switch event.type {
    case YAML_DOCUMENT_START_EVENT:
      let start = event.data.document_start
      return .documentStart(
        hasDirectives: start.version_directive != nil || start.tag_directives.start != start.tag_directives.end)
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_MAPPING_START_EVENT: return .mapStart
    case YAML_MAPPING_END_EVENT: return .mapEnd
    case YAML_SEQUENCE_START_EVENT: return .listStart
    case YAML_SEQUENCE_END_EVENT: return .listEnd
    case YAML_ALIAS_EVENT: return .alias
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let style = scalar.style
      return .scalar(
        Scalar(
          text: String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self),
          quoted: style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE,
          block: style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE,
          oneLine: event.start_mark.line == event.end_mark.line))
    case YAML_STREAM_START_EVENT: return nil
    default: return .streamEnd
    }
  }

  private static func place(_ mark: yaml_mark_t) -> Place {
    Place(line: Int(mark.line) + 1, column: Int(mark.column) + 1, index: Int(mark.index))
  }

  private static let inPlainWords = [
    "found character that cannot start any token":
      "nothing can begin with this character: indent with spaces, not tabs, and put such a text in quotes",
    "mapping values are not allowed in this context":
      "a ': ' may not stand here; check the indentation, or put the text in quotes",
    "did not find expected key": "a key should stand here; check the indentation",
    "could not find expected ':'": "a ':' should follow the key",
    "did not find expected ',' or ']'": "a list in brackets goes on with ',' or ends with ']'",
    "did not find expected ',' or '}'": "a map in braces goes on with ',' or ends with '}'",
    "found unexpected end of stream": "the file ends inside a quoted text; a quote is missing",
    "found unknown escape character": "there is no such escape; a text in single quotes has none",
    "did not find expected <document start>": "the document has ended, and nothing may follow it",
    "Maximum nesting level reached, set with yaml_set_max_nest_level())":
      "maps and lists may nest at most \(Document.deepest) deep",
  ]

  private var fault: Fault {
    let state = parser.pointee
    let known = state.error == YAML_SCANNER_ERROR || state.error == YAML_PARSER_ERROR
    let place = Self.place(known ? state.problem_mark : state.mark)
    var message = state.problem.map { String(cString: $0) } ?? "the file cannot be read"
    // libyaml's place is the backslash; at fault is the character after it.
    let isEscape = message == "found unknown escape character"
    message = Self.inPlainWords[message] ?? message
    if known, let context = state.context {
      let start = Self.place(state.context_mark)
      message = "\(String(cString: context)) (line \(start.line), column \(start.column)): \(message)"
    }
    return Fault(message, at: place.mark.moved(by: isEscape ? 1 : 0))
  }
}
