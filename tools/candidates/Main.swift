@main
enum MakeCandidatesMain {
  static func main() {}
}
