/// Why a ledger cannot be opened, or cannot answer: one line that names the file and the remedy.
package struct LedgerError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// Another server has it.
    case inUse
    /// A later version of Rouse wrote it.
    case newer
    /// It is no ledger, or damaged.
    case damaged
    /// It cannot be read or made: permissions, a missing folder.
    case unreadable
    /// Durability can no longer be promised: nothing more is recorded until the server is started again.
    case storage
    /// The ledger is being closed.
    case closed
  }
  package let kind: Kind
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var description: String { message }
}
