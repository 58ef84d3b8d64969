#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a process on this machine has used so far.
package struct ProcessUse: Sendable {
  /// User and system time of all its threads, in seconds.
  package var cpu: Double
  /// Resident memory in bytes; 0 for this process.
  package var resident: Int

  /// This process.
  package static var own: ProcessUse {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return ProcessUse(cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime), resident: 0)
  }

  /// nil where there is no such process, or it is not ours to look at.
  package init?(of process: Int) {
    guard let stat = Self.text("/proc/\(process)/stat"), let name = stat.lastIndex(of: ")"),
      let pages = Self.text("/proc/\(process)/statm")?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    // From the third field on: the second is the program's name, and may hold anything.
    let fields = stat[stat.index(after: name)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
    cpu = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    resident = pages * sysconf(Int32(_SC_PAGESIZE))
  }

  private init(cpu: Double, resident: Int) {
    self.cpu = cpu
    self.resident = resident
  }

  private static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
