/// What a log line looks like: for eyes, or for machines.
package enum LogFormat: String, Sendable, CaseIterable {
  case text, json
}
