@main
enum RouseMain {
  static func main() {}
}
