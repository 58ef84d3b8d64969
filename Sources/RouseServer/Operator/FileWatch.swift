import Foundation
import Glibc
import Synchronization

/// Tells when something changes in the folders of some files: a file that is replaced by renaming another over it is seen
/// too, and so is a symbolic link that is turned elsewhere.
///
/// The system tells of most changes at once. It does not where a network file system is changed by another machine, nor
/// where all watches of this user are taken (128 on many systems, for all containers together); so the files are looked
/// at every two seconds as well.
final class FileWatch: Sendable {
  /// One element a change; changes that come faster than they are taken are one.
  let changes: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation
  /// Negative: the system has no watches left.
  private let descriptor: CInt
  /// A pipe: what is written at its one end wakes the thread, which reads at the other.
  private let stop: (wake: CInt, woken: CInt)
  /// nil once the descriptor is closed, whose number may be another file's by then.
  private let watched = Mutex<Watched?>(Watched())

  private struct Watched {
    /// Folders and their watches.
    var folders: [String: CInt] = [:]
    /// Files as they were seen last.
    var files: [String: Look] = [:]
  }

  /// How a file looks from outside; of one that is not there all is 0. Replaced, it is another inode; written to, it has
  /// another time of change, which nobody can set back.
  private struct Look: Equatable {
    private let device, inode, size, seconds, nanoseconds: Int

    init(_ file: String) {
      var status = stat()
      if stat(file, &status) != 0 { status = stat() }
      device = Int(truncatingIfNeeded: status.st_dev)
      inode = Int(truncatingIfNeeded: status.st_ino)
      size = Int(status.st_size)
      seconds = status.st_ctim.tv_sec
      nanoseconds = status.st_ctim.tv_nsec
    }
  }

  /// Nil when the process has no descriptors left: then only SIGHUP reloads.
  init?() {
    (changes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    descriptor = inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else {
      if descriptor >= 0 { Glibc.close(descriptor) }
      return nil
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    stop = (wake: ends[1], woken: ends[0])
    Thread.detachNewThread { [self] in listen() }
  }

  /// Watches these files with their folders, and no others. New ones count as a change: one that came after the files
  /// were read and before the watch would never be seen.
  func watch(_ files: [String]) {
    let folders = Set(files.map { file in file.contains("/") ? (file as NSString).deletingLastPathComponent : "." })
    let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ATTRIB)
    let isNew = watched.withLock { watched in
      guard let former = watched else { return false }
      for (folder, watch) in former.folders where !folders.contains(folder) {
        inotify_rm_watch(descriptor, watch)
        watched?.folders[folder] = nil
      }
      for folder in folders {
        // Again and again: a folder that was deleted and made anew has no watch any more, and one that has keeps it.
        let watch = inotify_add_watch(descriptor, folder.isEmpty ? "/" : folder, mask)
        watched?.folders[folder] = watch >= 0 ? watch : nil
      }
      var looks: [String: Look] = [:]
      for file in files { looks[file] = former.files[file] ?? Look(file) }
      watched?.files = looks
      return files.contains { former.files[$0] == nil }
    }
    if isNew { continuation.yield() }
  }

  func close() {
    Glibc.close(stop.wake)
    continuation.finish()
  }

  private func listen() {
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      var waits = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stop.woken, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&waits, 2, 2000)
      guard ready >= 0 else { continue }
      if waits[1].revents != 0 { break }
      // Which file it was does not matter: whoever listens compares contents.
      while read(descriptor, &bytes, bytes.count) > 0 {}
      if lookAgain() || ready > 0 { continuation.yield() }
    }
    watched.withLock { watched in
      watched = nil
      if descriptor >= 0 { Glibc.close(descriptor) }
    }
    Glibc.close(stop.woken)
  }

  /// Whether a file looks different from the last time.
  private func lookAgain() -> Bool {
    watched.withLock { watched in
      guard let former = watched?.files else { return false }
      let looks = former.reduce(into: [:]) { $0[$1.key] = Look($1.key) }
      watched?.files = looks
      return looks != former
    }
  }
}
