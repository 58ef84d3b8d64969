import Glibc

/// Writes all of it, in as many steps as the system takes; false, with `errno` saying why, when it takes no more.
func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes {
      Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
    }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return false }
    written += count
  }
  return true
}
