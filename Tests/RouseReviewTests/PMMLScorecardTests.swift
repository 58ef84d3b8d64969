import RousePolicy
import Testing

@testable import RouseReview

@Suite struct PMMLScorecardTests {
  /// After the example of the standard.
  private static let example = """
    <?xml version="1.0"?>
    <PMML xmlns="http://www.dmg.org/PMML-4_1" version="4.1"><!-- a card -->
    <Scorecard modelName="s" functionName="regression" initialScore="0" useReasonCodes="true">
      <Characteristics>
        <Characteristic name="departmentScore" reasonCode="RC1" baselineScore="19">
          <Attribute partialScore="-9"><SimplePredicate field="department" operator="isMissing"/></Attribute>
          <Attribute partialScore="19"><SimplePredicate field="department" operator="equal" value="marketing"/></Attribute>
          <Attribute partialScore="6"><SimpleSetPredicate field="department" booleanOperator="isIn">
            <Array n="2" type="string">engineering "r &amp; d"</Array></SimpleSetPredicate></Attribute>
          <Attribute partialScore="3"><True/></Attribute>
        </Characteristic>
        <Characteristic name="ageScore" reasonCode="RC2">
          <Attribute partialScore="-1"><SimplePredicate field="age" operator="isMissing"/></Attribute>
          <Attribute partialScore="-3"><SimplePredicate field="age" operator="lessOrEqual" value="18"/></Attribute>
          <Attribute partialScore="0"><CompoundPredicate booleanOperator="and">
            <SimplePredicate field="age" operator="greaterThan" value="18"/>
            <SimplePredicate field="age" operator="lessOrEqual" value="29"/></CompoundPredicate></Attribute>
          <Attribute partialScore="18"><SimplePredicate field="age" operator="greaterThan" value="29"/></Attribute>
        </Characteristic>
      </Characteristics>
    </Scorecard></PMML>
    """

  @Test func aCardIsRead() throws {
    let text = try PMMLScorecard(Array(Self.example.utf8), PMMLScorecard.Settings()).text
    let rows = try Document.parse(yaml: Array(text.utf8)).root
    func value(_ path: String...) -> String? {
      var node: Document.Node? = rows
      for step in path { node = node?[step] }
      if case .scalar(let scalar)? = node?.content { return scalar.text }
      return nil
    }
    #expect(value("department", "is", "marketing") == "19" && value("department", "is", "r & d") == "6")
    #expect(value("department", "other") == "3" && value("department", "missing") == "-9")
    #expect(value("department", "code") == "R01" && value("age", "code") == "R02")
    #expect(value("age", "missing") == "-1")
    // 18 itself is young, and the next number is not.
    #expect(value("age", "at_least", "-999999999999999") == "-3")
    #expect(
      value("age", "at_least", "18.000000000000004") == "0" && value("age", "at_least", "29.000000000000004") == "18")
  }

  @Test func pointsAreScaledAndTurned() throws {
    var settings = PMMLScorecard.Settings()
    settings.pointsToDouble = 10
    settings.isTurned = true
    settings.isResponse = true
    let text = try PMMLScorecard(Array(Self.example.utf8), settings).text
    #expect(text.contains("marketing: -38\n") && !text.contains("code:"))
  }

  @Test(arguments: [
    ("<a>", "is not closed"), ("", "is this XML"), ("<PMML><TreeModel/></PMML>", "it is a TreeModel"),
    ("<!DOCTYPE x [<!ENTITY a \"b\">]><PMML/>", "not read"), ("<PMML>&nope;</PMML>", "no entity"),
    ("<PMML></PMML><PMML/>", "a second"), ("<PMML a=\"1\" a=\"2\"/>", "twice"), ("<PMML", "name"),
    (String(repeating: "<a>", count: 100), "at most 64 deep"),
  ]) func faultsAreNamed(_ fault: (text: String, says: String)) {
    let error = #expect(throws: ReviewError.self) {
      _ = try PMMLScorecard(Array(fault.text.utf8), PMMLScorecard.Settings())
    }
    #expect(error?.description.contains(fault.says) == true, "\(error?.description ?? "")")
  }

  @Test func aCharacteristicOfTwoFieldsIsRefused() {
    let text = Self.example.replacing(
      "field=\"age\" operator=\"lessOrEqual\" value=\"18\"", with: "field=\"x\" operator=\"lessOrEqual\" value=\"18\"")
    let error = #expect(throws: ReviewError.self) {
      _ = try PMMLScorecard(Array(text.utf8), PMMLScorecard.Settings())
    }
    #expect(error?.description.contains("more than one field") == true)
  }
}
