/// A text that is equal to another only when their code points are (model 1.3): Swift's own `String` takes `é` and
/// `e` + accent for the same.
package struct ExactText: Hashable, Sendable {
  package let bytes: [UInt8]

  package init(_ text: String) { bytes = Array(text.utf8) }
  package init(bytes: [UInt8]) { self.bytes = bytes }

  package var text: String { String(decoding: bytes, as: UTF8.self) }
}
