/// What an engine answers when it cannot do as it was asked.
package enum StoreError: Error, Sendable, Equatable {
  /// What was written may not be durable, or cannot be read: full, input and output, damage.
  case storage(String)
  /// This alone cannot be written as it is; what else is in the transaction can.
  case refused(String)

  /// What the file says is not what a ledger says.
  static func damaged(_ what: String) -> StoreError { .storage("it is damaged: \(what)") }
}
