/// SQL's three values. The raw values are chosen so that AND is the least and OR the greatest.
package enum Truth: Int8, Sendable {
  case no = 0
  case null = 1
  case yes = 2

  init(_ value: Bool) { self = value ? .yes : .no }

  /// As SQL writes it.
  package var name: String {
    switch self {
    case .no: "FALSE"
    case .null: "NULL"
    case .yes: "TRUE"
    }
  }

  var negated: Truth {
    switch self {
    case .no: .yes
    case .null: .null
    case .yes: .no
    }
  }
}
