extension Document {
  /// Where something stands: it orders diagnostics, and is shown when it is a line of a file.
  package struct Mark: Sendable, Comparable {
    private let major: Int
    private let minor: Int

    /// A line and a column of a YAML file, both from 1, in characters (code points).
    package static func place(line: Int, column: Int) -> Mark { Mark(major: line, minor: column) }
    /// A byte of a JSON file: only for the order.
    package static func offset(_ offset: Int) -> Mark { Mark(major: 0, minor: offset) }
    /// Not in the file: set by an override. It comes after everything else.
    package static let override = Mark(major: .max, minor: 0)

    package var line: Int? { major > 0 && major < .max ? major : nil }
    package var column: Int? { line == nil ? nil : minor }

    package static func < (left: Mark, right: Mark) -> Bool {
      (left.major, left.minor) < (right.major, right.minor)
    }

    /// So many characters further on the same line of a YAML file; elsewhere the same.
    func moved(by characters: Int) -> Mark { line == nil ? self : Mark(major: major, minor: minor + characters) }
  }
}
