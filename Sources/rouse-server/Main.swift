@main
enum RouseServerMain {
  static func main() {}
}
