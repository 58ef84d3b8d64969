/// Collects what is wrong while a document is read, so that all of it can be told at once.
package final class Report {
  /// Nobody reads more at once, and a hostile file could make millions.
  package static let most = 1000

  private var found: [(mark: Document.Mark, diagnostic: Diagnostic)] = []

  /// Nothing found yet.
  package init() {}

  /// Nothing was found.
  package var isEmpty: Bool { found.isEmpty }
  /// What comes now is not told any more.
  package var isFull: Bool { found.count >= Self.most }

  /// Adds a fault of what stands at a path and a place.
  package func add(_ kind: Diagnostic.Kind, path: String, at mark: Document.Mark, _ message: @autoclosure () -> String)
  {
    if isFull { return }
    let diagnostic = Diagnostic(kind: kind, path: path, line: mark.line, column: mark.column, message: message())
    found.append((mark, diagnostic))
  }

  /// By place; at one place in the order of the finding.
  package var diagnostics: [Diagnostic] {
    found.enumerated()
      .sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
      .map(\.element.diagnostic)
  }

  /// Throws what was found, if anything was.
  package func finish() throws(PolicyDiagnostics) {
    if !found.isEmpty { throw PolicyDiagnostics(all: diagnostics) }
  }
}
