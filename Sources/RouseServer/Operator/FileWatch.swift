import Foundation
import Glibc
import Synchronization

/// Tells when something changes in the folders of some files: a file that is replaced by renaming another over it is seen
/// too, and so is a symbolic link that is turned elsewhere.
final class FileWatch: Sendable {
  /// One element a change; changes that come faster than they are taken are one.
  let changes: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation
  private let descriptor: CInt
  /// A pipe: what is written at its one end wakes the thread, which reads at the other.
  private let stop: (wake: CInt, woken: CInt)
  /// Folders and their watches; nil once the descriptor is closed, whose number may be another file's by then.
  private let watched = Mutex<[String: CInt]?>([:])

  /// Nil when the system has no watches left: then only SIGHUP reloads.
  init?() {
    (changes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    descriptor = inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))
    var ends: [CInt] = [-1, -1]
    guard descriptor >= 0, pipe(&ends) == 0 else {
      if descriptor >= 0 { Glibc.close(descriptor) }
      return nil
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    stop = (wake: ends[1], woken: ends[0])
    Thread.detachNewThread { [self] in listen() }
  }

  /// Watches the folders of these files, and no others. New folders count as a change: one that came after the files were
  /// read and before the watch would never be seen.
  func watch(_ files: [String]) {
    let folders = Set(files.map { file in file.contains("/") ? (file as NSString).deletingLastPathComponent : "." })
    let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ATTRIB)
    watched.withLock { watched in
      guard let former = watched else { return }
      for (folder, watch) in former where !folders.contains(folder) {
        inotify_rm_watch(descriptor, watch)
        watched?[folder] = nil
      }
      for folder in folders where former[folder] == nil {
        let watch = inotify_add_watch(descriptor, folder.isEmpty ? "/" : folder, mask)
        guard watch >= 0 else { continue }
        watched?[folder] = watch
        continuation.yield()
      }
    }
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
      guard poll(&waits, 2, -1) > 0 else { continue }
      if waits[1].revents != 0 { break }
      // Which file it was does not matter: whoever listens compares contents.
      while read(descriptor, &bytes, bytes.count) > 0 {}
      continuation.yield()
    }
    watched.withLock { watched in
      watched = nil
      Glibc.close(descriptor)
    }
    Glibc.close(stop.woken)
  }
}
