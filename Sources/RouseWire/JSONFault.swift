/// Why a line is no I-JSON object, and where: the offset of the byte, counted from 0 in the line.
package struct JSONFault: Error, Equatable {
  package enum Kind: UInt8, Sendable {
    case syntax, duplicateKey, notAnObject, tooDeep
  }
  package let kind: Kind
  package let offset: Int

  init(_ kind: Kind, _ offset: Int) {
    self.kind = kind
    self.offset = offset
  }
}
