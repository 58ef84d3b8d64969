import NIOCore
import NIOPosix
import RouseTLS

/// Whom to talk to and as whom. Makes connections; tickets of one help the next.
package struct Client: Sendable {
  package let endpoint: Endpoint
  let context: TLSClientContext
  let timeout: TimeAmount
  let token: AccessToken?

  /// - Parameters:
  ///   - token: shown to the server first on each connection.
  ///   - timeoutSeconds: for the connection and for the handshake, each.
  package init(
    _ endpoint: Endpoint, tls settings: TLSClientSettings, token: AccessToken? = nil, timeoutSeconds: Int = 10
  ) throws(ClientError) {
    self.endpoint = endpoint
    self.token = token
    timeout = .seconds(Int64(timeoutSeconds))
    do throws(TLSError) {
      context = try TLSClientContext(settings)
    } catch {
      throw ClientError(error, endpoint: endpoint, serverName: settings.serverName ?? endpoint.host)
    }
  }

  /// Opens a connection for the time of the body, and closes it with a close_notify.
  package func withConnection<Result: Sendable>(
    _ body: (Connection) async throws -> Result
  ) async throws -> Result {
    do {
      let (channel, secured) = try await connect()
      return try await channel.executeThenClose { inbound, outbound in
        try await secured.get()
        let connection = Connection(inbound, outbound)
        if let token { try await connection.show(token) }
        return try await body(connection)
      }
    } catch {
      throw clientError(error) ?? error
    }
  }

  private typealias Secured = (NIOAsyncChannel<ByteBuffer, ByteBuffer>, EventLoopFuture<Void>)

  private func connect() async throws -> Secured {
    let (context, host, timeout) = (context, endpoint.host, timeout)
    return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(timeout)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .connect(host: host, port: endpoint.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          let secured = channel.eventLoop.makePromise(of: Void.self)
          try channel.pipeline.syncOperations.addHandlers(
            TLSHandler(client: context, host: host), ConnectionHandler(secured: secured, timeout: timeout))
          return (try NIOAsyncChannel(wrappingChannelSynchronously: channel), secured.futureResult)
        }
      }
  }

  /// nil for an error that is not of the connection.
  private func clientError(_ error: any Error) -> ClientError? {
    switch error {
    case let error as ClientError: error
    case let error as TLSError:
      ClientError(error, endpoint: endpoint, serverName: context.settings.serverName ?? endpoint.host)
    case is HandshakeTimeout:
      .cannotConnect("\(endpoint) did not finish the TLS handshake in \(seconds); check host and port")
    case is Truncated: .lost("the connection to \(endpoint) broke off before the answer was whole")
    case let error as NIOConnectionError: cannotConnect(error)
    case ChannelError.connectTimeout:
      .cannotConnect("\(endpoint) did not answer within \(seconds); check host and port")
    case let error as IOError:
      .lost("the connection to \(endpoint) broke off before the answer was whole: \(SystemFault(error.errnoCode))")
    case is ChannelError: .lost("the connection to \(endpoint) ended before the answer was whole")
    default: nil
    }
  }

  private var seconds: String { "\(timeout.nanoseconds / 1_000_000_000) s" }

  private func cannotConnect(_ error: NIOConnectionError) -> ClientError {
    guard let failure = error.connectionErrors.last else {
      return .cannotConnect("cannot find the host '\(endpoint.host)'; check its name")
    }
    switch failure.error {
    case ChannelError.connectTimeout:
      return .cannotConnect("\(endpoint) did not answer within \(seconds); check host and port")
    case let error as IOError:
      return .cannotConnect(
        "cannot connect to \(endpoint): \(SystemFault(error.errnoCode)); is the server running there?")
    default:
      return .cannotConnect("cannot connect to \(endpoint); is the server running there?")
    }
  }
}
