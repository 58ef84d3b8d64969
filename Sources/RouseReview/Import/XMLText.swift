/// An XML element with its attributes and children; texts between tags are joined. Only what a model file needs: no
/// document types, no entities of its own.
struct XMLElement {
  /// Without its prefix.
  let name: String
  let attributes: [String: String]
  var children: [XMLElement] = []
  var text = ""
  /// Of its start tag, from 1.
  let line: Int

  func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }
  func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Reads XML strictly; a hostile file ends in an error, never in a trap or a deep stack.
struct XMLText {
  private let bytes: [UInt8]
  private var at = 0
  private var line = 1

  static let mostBytes = 16 << 20
  static let deepest = 64

  static func read(_ bytes: [UInt8]) throws(ReviewError) -> XMLElement {
    guard bytes.count <= mostBytes, String(validating: bytes, as: UTF8.self) != nil else {
      throw ReviewError(.invalid, "the file is no UTF-8 text of at most \(mostBytes >> 20) MiB")
    }
    var reader = XMLText(bytes: bytes)
    return try reader.document()
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  }

  private func fault(_ message: String) -> ReviewError { ReviewError(.invalid, "line \(line): \(message)") }

  private mutating func document() throws(ReviewError) -> XMLElement {
    // Its own stack: the depth of the file must not become the depth of ours.
    var open: [XMLElement] = []
    var root: XMLElement?
    while at < bytes.count {
      if bytes[at] != 0x3C {
        let start = at
        while at < bytes.count, bytes[at] != 0x3C { advance() }
        let text = try decoded(Array(bytes[start..<at]))
        if let last = open.indices.last {
          open[last].text += text
        } else if !text.allSatisfy(\.isWhitespace) {
          throw fault("a text stands outside of all elements; is this XML?")
        }
      } else if skip("<!--") {
        try skipPast("-->")
      } else if skip("<?") {
        try skipPast("?>")
      } else if skip("<![CDATA[") {
        let start = at
        try skipPast("]]>")
        if let last = open.indices.last { open[last].text += String(decoding: bytes[start..<at - 3], as: UTF8.self) }
      } else if skip("<!") {
        throw fault("document types and declarations are not read; remove the <!DOCTYPE")
      } else if skip("</") {
        let name = try name()
        space()
        guard skip(">"), let element = open.popLast(), element.name == name else {
          throw fault("</\(name)> closes nothing that is open")
        }
        try close(element, &open, &root)
      } else {
        advance()
        let begin = line
        let name = try name()
        let (attributes, isEmpty) = try attributes()
        guard open.count < Self.deepest else { throw fault("elements may nest at most \(Self.deepest) deep") }
        let element = XMLElement(name: name, attributes: attributes, line: begin)
        if isEmpty { try close(element, &open, &root) } else { open.append(element) }
      }
    }
    if let last = open.last { throw fault("<\(last.name)> of line \(last.line) is not closed") }
    guard let root else { throw fault("there is no element; is this XML?") }
    return root
  }

  private func close(_ element: XMLElement, _ open: inout [XMLElement], _ root: inout XMLElement?) throws(ReviewError) {
    if let last = open.indices.last {
      open[last].children.append(element)
    } else if root == nil {
      root = element
    } else {
      throw fault("a file holds one element with all others in it, and <\(element.name)> is a second")
    }
  }

  private mutating func attributes() throws(ReviewError) -> ([String: String], isEmpty: Bool) {
    var attributes: [String: String] = [:]
    while true {
      space()
      if skip("/>") { return (attributes, true) }
      if skip(">") { return (attributes, false) }
      let name = try name()
      space()
      guard skip("=") else { throw fault("'=' should follow the attribute '\(name)'") }
      space()
      guard at < bytes.count, bytes[at] == 0x22 || bytes[at] == 0x27 else {
        throw fault("the value of '\(name)' should stand in quotes")
      }
      let quote = bytes[at]
      advance()
      let start = at
      while at < bytes.count, bytes[at] != quote { advance() }
      guard at < bytes.count else { throw fault("the value of '\(name)' has no closing quote") }
      let value = try decoded(Array(bytes[start..<at]))
      advance()
      guard attributes.updateValue(value, forKey: name) == nil else { throw fault("'\(name)' is given twice") }
    }
  }

  private mutating func name() throws(ReviewError) -> String {
    let start = at
    while at < bytes.count, ![0x20, 0x09, 0x0A, 0x0D, 0x3D, 0x3E, 0x2F, 0x3C].contains(bytes[at]) { at += 1 }
    guard at > start else { throw fault("a name should stand here") }
    let name = String(decoding: bytes[start..<at], as: UTF8.self)
    return name.split(separator: ":").last.map(String.init) ?? name
  }

  private func decoded(_ raw: [UInt8]) throws(ReviewError) -> String {
    guard raw.contains(0x26) else { return String(decoding: raw, as: UTF8.self) }
    var out = ""
    var rest = Substring(String(decoding: raw, as: UTF8.self))
    while let start = rest.firstIndex(of: "&") {
      out += rest[..<start]
      guard let end = rest[start...].firstIndex(of: ";") else {
        throw fault("'&' begins an entity, and this one has no ';'")
      }
      let entity = rest[rest.index(after: start)..<end]
      switch entity {
      case "lt": out += "<"
      case "gt": out += ">"
      case "amp": out += "&"
      case "quot": out += "\""
      case "apos": out += "'"
      default:
        let digits =
          entity.hasPrefix("#x")
          ? UInt32(entity.dropFirst(2), radix: 16) : entity.hasPrefix("#") ? UInt32(entity.dropFirst()) : nil
        guard let digits, let scalar = Unicode.Scalar(digits) else {
          throw fault("there is no entity '&\(entity.prefix(20));'")
        }
        out.unicodeScalars.append(scalar)
      }
      rest = rest[rest.index(after: end)...]
    }
    return out + rest
  }

  private mutating func advance() {
    if bytes[at] == 0x0A { line += 1 }
    at += 1
  }

  private mutating func space() {
    while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { advance() }
  }

  private mutating func skip(_ text: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes[at...].starts(with: wanted) else { return false }
    at += wanted.count
    return true
  }

  private mutating func skipPast(_ text: StaticString) throws(ReviewError) {
    let begin = line
    while at < bytes.count {
      if skip(text) { return }
      advance()
    }
    throw ReviewError(.invalid, "line \(begin): what begins here does not end")
  }
}
