import RouseCore

/// Makes a tree of the part of YAML that model 1.1 allows, and refuses the rest where it first stands. It keeps its own
/// stack: the depth of a hostile file must not become the depth of ours.
struct YAMLComposer {
  private struct Frame {
    let isMap: Bool
    let mark: Document.Mark
    var items: [Document.Node] = []
    var entries: [Document.Entry] = []
    var keys: Set<ExactText> = []
    /// Read, and still without its value.
    var key: (text: String, mark: Document.Mark)?
  }
  private var frames: [Frame] = []
  private var root: Document.Node?

  static func compose(_ source: SourceText) throws(Fault) -> Document.Node {
    try source.bytes.withUnsafeBufferPointer { text throws(Fault) in
      var events = try YAMLEvents(text)
      var composer = YAMLComposer()
      do throws(Fault) {
        return try composer.compose(&events, source.scalars)
      } catch {
        // Where the text ends without a line break, libyaml's end is on a line that is not there.
        throw error.mark > source.end ? Fault(error.kind, path: error.path, at: source.end, error.message) : error
      }
    }
  }

  private mutating func compose(_ events: inout YAMLEvents, _ scalars: [Unicode.Scalar]) throws(Fault) -> Document.Node
  {
    while true {
      let (event, place) = try events.next()
      let mark = place.mark
      switch event {
      case .documentStart(let hasDirectives):
        if hasDirectives { throw Fault("a line that begins with % has no meaning here; remove it", at: mark) }
        if root != nil { throw Fault("a file holds one document; remove this '---' and what follows", at: mark) }
      case .mapStart, .listStart:
        try refuseProperty(scalars, place)
        if frames.count == Document.deepest {
          throw Fault("maps and lists may nest at most \(Document.deepest) deep", at: mark)
        }
        var isMap = false
        if case .mapStart = event { isMap = true }
        if frames.last.map({ $0.isMap && $0.key == nil }) ?? false {
          throw Fault("a key is a text, not a map or a list", at: mark)
        }
        frames.append(Frame(isMap: isMap, mark: mark))
      case .mapEnd, .listEnd:
        guard let frame = frames.popLast() else { continue }
        try add(Document.Node(content: frame.isMap ? .map(frame.entries) : .list(frame.items), mark: frame.mark))
      case .scalar(let scalar):
        try refuseProperty(scalars, place)
        if scalar.block { throw Fault("a value stands on one line; '|' and '>' texts are not read", at: mark) }
        if !scalar.oneLine { throw Fault("a value stands on one line, and this one goes on below", at: mark) }
        if frames.last.map({ $0.isMap && $0.key == nil }) ?? false {
          try begin(key: scalar.text, mark)
        } else {
          try add(
            Document.Node(content: .scalar(Document.Scalar(text: scalar.text, quoted: scalar.quoted)), mark: mark))
        }
      case .alias:
        throw Fault("an alias (*) is not read; write the value itself", at: mark)
      case .documentEnd:
        continue
      case .streamEnd:
        let empty = Document.Scalar(text: "", quoted: false)
        return root ?? Document.Node(content: .scalar(empty), mark: .place(line: 1, column: 1))
      }
    }
  }

  /// No plain scalar begins with one of these, so at the start of a value they are an anchor or a tag, also where
  /// libyaml drops a tag that says nothing.
  private func refuseProperty(_ scalars: [Unicode.Scalar], _ place: YAMLEvents.Place) throws(Fault) {
    guard place.index < scalars.count else { return }
    switch scalars[place.index] {
    case "!": throw Fault("a tag (!) is not read; remove it, or put the text in quotes", at: place.mark)
    case "&": throw Fault("an anchor (&) is not read; remove it, or put the text in quotes", at: place.mark)
    default: return
    }
  }

  private mutating func begin(key: String, _ mark: Document.Mark) throws(Fault) {
    let isNew = frames[frames.count - 1].keys.insert(ExactText(key)).inserted
    frames[frames.count - 1].key = (key, mark)
    if isNew { return }
    throw Fault(.duplicate, path: path, at: mark, "the key \(key.shown) is given twice; remove one of them")
  }

  private mutating func add(_ node: Document.Node) throws(Fault) {
    guard let last = frames.indices.last else {
      root = node
      return
    }
    if frames[last].isMap, let key = frames[last].key {
      frames[last].entries.append(Document.Entry(key: key.text, keyMark: key.mark, value: node))
      frames[last].key = nil
    } else {
      frames[last].items.append(node)
    }
  }

  /// Of what is being read.
  private var path: String {
    frames.map { $0.isMap ? $0.key?.text ?? "" : String($0.items.count) }.joined(separator: ".")
  }
}
