/// Did you mean (model 1.4): help, not contract.
package enum Suggestion {
  /// The candidate with the least edit distance to `word`, the first in order on a tie, when the distance is at most
  /// max(1, length / 3).
  package static func nearest(to word: String, among candidates: [String]) -> String? {
    let source = Array(word.unicodeScalars)
    // A word this long is no slip of the pen, and the distance costs its square.
    guard source.count <= 200 else { return nil }
    let most = max(1, source.count / 3)
    var best: (distance: Int, candidate: String)?
    // A policy of a hundred thousand fields must not make each unknown name cost a hundred thousand distances.
    for candidate in candidates.prefix(2000) where abs(candidate.unicodeScalars.count - source.count) <= most {
      let distance = distance(source, Array(candidate.unicodeScalars))
      if distance <= most, distance < best?.distance ?? .max { best = (distance, candidate) }
    }
    return best?.candidate
  }

  /// ` Did you mean 'x'?`, or nothing.
  package static func sentence(for word: String, among candidates: [String]) -> String {
    nearest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
  }

  private static func distance(_ source: [Unicode.Scalar], _ target: [Unicode.Scalar]) -> Int {
    var row = Array(0...target.count)
    for (i, left) in source.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, right) in target.enumerated() {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, diagonal + (left == right ? 0 : 1))
        diagonal = above
      }
    }
    return row[target.count]
  }
}
