import Foundation
import Glibc
import RouseCore
import RouseTLS

/// Whether the machine gives the server what it was told to use: clock, files, memory, disk.
struct MachineState {
  let file: String
  let configuration: Configuration
  let now: Int64
  /// The one that runs, whose limits count more than those of whoever asks.
  let server: ProcessName?

  init(file: String, _ configuration: Configuration, now: Int64, server: ProcessName?) {
    self.file = file
    self.configuration = configuration
    self.now = now
    self.server = server
  }

  func findings() -> [Finding] { [clock(), synchronised(), openFiles(), memory()].compactMap(\.self) + disk() }

  // MARK: - Clock

  /// A file from the future shows a clock that is behind, or was.
  private func clock() -> Finding {
    let files = [file, configuration.policyFile, configuration.auditFile, configuration.ledger?.file]
    for path in files.compactMap(\.self) + configuration.tls.files {
      var status = stat()
      guard stat(path, &status) == 0, Int64(status.st_mtim.tv_sec) > now + 300 else { continue }
      return .problem(
        "clock",
        "it says \(Moment.format(now)), but \(path) was changed \(Moment.format(Int64(status.st_mtim.tv_sec)))",
        "set the clock; decisions and certificates depend on it")
    }
    return .ok("clock", "\(Moment.format(now)), and no file is of a later time")
  }

  private func synchronised() -> Finding {
    let tool = "/usr/bin/timedatectl"
    guard FileManager.default.isExecutableFile(atPath: tool) else {
      return .skipped("clock synchronisation", "\(tool) is not here to ask")
    }
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: tool)
    process.arguments = ["show", "--property=NTPSynchronized", "--value"]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return .skipped("clock synchronisation", "\(tool) cannot be run") }
    let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    switch answer.trimmingCharacters(in: .whitespacesAndNewlines) {
    case "yes": return .ok("clock synchronisation", "on")
    case "no":
      return .problem(
        "clock synchronisation", "nothing keeps this machine's clock right",
        "timedatectl set-ntp true, or install chrony; on a virtual machine its host may see to it")
    default: return .skipped("clock synchronisation", "\(tool) has no answer here")
    }
  }

  // MARK: - Limits

  /// Each connection is an open file.
  private func openFiles() -> Finding {
    let (most, whose) =
      server.flatMap { server in Self.limit(of: server).map { ($0, "of \(server)") } } ?? Self.ownLimit
    let needed = Configuration.openFiles(connections: configuration.limits.connections)
    guard most < needed else {
      return .ok("open files", "\(most) are allowed (\(whose)), \(needed) are enough")
    }
    return .problem(
      "open files",
      "\(most) are allowed (\(whose)), and limits.connections \(configuration.limits.connections) needs \(needed)",
      "raise it (LimitNOFILE= of the unit, ulimit -n), or lower limits.connections")
  }

  private static var ownLimit: (Int, String) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return (Int(clamping: limit.rlim_max), "of whoever runs this")
  }

  private static func limit(of process: ProcessName) -> Int? {
    let text = (try? String(contentsOfFile: "/proc/\(process.number)/limits", encoding: .utf8)) ?? ""
    // Max open files            1024                 524288               files
    let words = text.split(separator: "\n").first { $0.hasPrefix("Max open files") }?.split(separator: " ")
    guard let words, words.count >= 5 else { return nil }
    return Int(words[3])
  }

  private func memory() -> Finding {
    let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let (size, what) =
      Self.groupLimit.map { ($0 < physical ? ($0, "the control group allows") : (physical, "the machine has")) }
      ?? (physical, "the machine has")
    let needed = configuration.limits.rankBytes.addingReportingOverflow(configuration.limits.unfinishedBytes)
    guard needed.overflow || needed.partialValue > size / 10 * 9 else {
      return .ok("memory", "\(what) \(shown(size)); ranks may take \(shown(configuration.limits.rankBytes)) of it")
    }
    return .problem(
      "memory", "\(what) \(shown(size)), and ranks may take \(shown(configuration.limits.rankBytes))",
      "set limits.rank_bytes to half of the memory, or less")
  }

  /// In a container: of either version of control groups.
  private static var groupLimit: Int? {
    for file in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
      if let text = try? String(contentsOfFile: file, encoding: .utf8),
        let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
      {
        return limit
      }
    }
    return nil
  }

  // MARK: - Disk

  /// A ledger that cannot grow records nothing more; and to back it up or make it smaller takes as much again.
  private func disk() -> [Finding] {
    var findings: [Finding] = []
    var seen: Set<String> = []
    for path in [configuration.ledger?.file, configuration.auditFile].compactMap(\.self) {
      let parent = (path as NSString).deletingLastPathComponent
      let folder = parent.isEmpty ? "." : parent
      guard seen.insert(folder).inserted else { continue }
      var system = statvfs()
      guard statvfs(folder, &system) == 0 else {
        findings.append(
          .problem(
            "disk", "\(folder): \(String(cString: strerror(errno)))", "make it, for the server's user to write in"))
        continue
      }
      let free = Int(
        clamping: UInt64(system.f_bavail).multipliedReportingOverflow(by: UInt64(system.f_frsize)).partialValue)
      var status = stat()
      let size = stat(path, &status) == 0 ? Int(status.st_size) : 0
      if free < max(Self.leastFree, size) {
        findings.append(
          .problem(
            "disk", "\(folder): \(shown(free)) are free, and \(path) has \(shown(size))",
            "make room: as much as the ledger has, and \(shown(Self.leastFree)) at least"))
      } else {
        findings.append(.ok("disk", "\(folder): \(shown(free)) are free"))
      }
    }
    return findings
  }

  private static let leastFree = 1 << 30

  private func shown(_ bytes: Int) -> String {
    let tenths = bytes / (1 << 20) * 10 / 1024
    return tenths < 10 ? "\(bytes >> 20) MiB" : "\(tenths / 10).\(tenths % 10) GiB"
  }
}
