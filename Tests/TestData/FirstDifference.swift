/// The first line by which two texts differ, so that a failure is short enough to read.
package func firstDifference(_ got: String, _ wanted: String) -> String? {
  if got.utf8.elementsEqual(wanted.utf8) { return nil }
  let a = got.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
  let b = wanted.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
  for index in 0..<max(a.count, b.count) {
    let left = index < a.count ? String(a[index]) ?? "?" : "(nothing)"
    let right = index < b.count ? String(b[index]) ?? "?" : "(nothing)"
    if !left.utf8.elementsEqual(right.utf8) { return "line \(index + 1):\n got    \(left)\n wanted \(right)" }
  }
  return "they differ"
}
