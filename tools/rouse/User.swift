import ArgumentParser
import RouseClient

struct User: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a server knows of one user.",
    discussion: """
      Shows what would be decided for the user now and when time alone changes it, whether the user has opted out or is taken \
      by a plan, the latest events, the plans, and the candidate as it was loaded.

        rouse user --profile home/client.yaml u1
        rouse user --profile home/client.yaml u1 --json
      """)

  @Argument(help: "The user_id.")
  var user: String

  @Flag(help: "The answer as JSON.")
  var json = false

  @OptionGroup(title: "Input") var moment: MomentOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func run() async throws {
    var line = RequestLine("user")
    line.set("user_id", text: user)
    moment.set(on: &line)
    let request = line
    let reply = try await connection.client().withConnection { try await $0.request(request.line) }
    if json { return try StandardOutput().write(line: reply.line) }
    try StandardOutput().write(UserReport(reply.value).text)
  }
}
