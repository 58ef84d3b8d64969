/// What a `TLSHandler` tells the handlers after it, as user inbound events.
package enum TLSEvent: Sendable, Equatable {
  /// The connection is secure. `peer` is the verified certificate of the other side, nil when it gave none; `alpn` the
  /// protocol agreed on, if any; `resumed` whether a ticket replaced the certificates.
  case handshakeCompleted(peer: PeerIdentity?, alpn: String?, resumed: Bool)
  /// The peer said it will send nothing more (close_notify). It can still be written to; close the channel when done.
  case closedByPeer
  /// The peer's bytes ended without a close_notify: what came last may have been cut off on the way.
  case truncated
}

/// An outbound event that closes a connection at once, without a goodbye: for a peer that cannot be waited for any longer.
package struct TLSAbort: Sendable {
  package init() {}
}
