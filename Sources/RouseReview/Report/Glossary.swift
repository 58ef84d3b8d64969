/// The words of the pages, for those who meet them for the first time.
enum Glossary {
  /// - Parameter words: those that the page uses.
  static func section(_ words: [String]) -> Page.Section {
    let entries = all.filter { words.contains($0.word) }.map {
      "<div><dt>\($0.word)</dt><dd>\($0.says)</dd></div>" as Markup
    }
    return Page.Section(
      id: "words", title: "Words", headline: "", body: ["<dl class=\"words\">\(entries)</dl>"])
  }

  static let all: [(word: String, says: String)] = [
    ("AUC", "The chance that a user who did it was ranked above one who did not: 0.5 is a coin, 1 is perfect."),
    (
      "Calibration",
      "Whether what was predicted is what came. Of users with a predicted 5 %, about 5 in 100 should do it."
    ),
    ("Capital", "Money that is expected to be lent out to those contacted, at most."),
    (
      "Cut",
      "The last user on the list who is still contacted: the budget, a capacity or the value ends the list there."
    ),
    (
      "Four-fifths rule",
      "A group's selection rate should not be below four fifths (0.8) of that of the group selected most often. Below it somebody should be able to say why."
    ),
    ("Funnel", "The steps after a contact, from the message to the money, and how many take each."),
    (
      "Holdout",
      "Users who were chosen at random not to be contacted, so that those contacted can be compared with them."
    ),
    (
      "Interval (95 %)",
      "Figures of few users are partly chance. The interval is made so that it holds the truth in 95 of 100 such cases; the fewer the users, the wider it is."
    ),
    (
      "KS",
      "The largest distance between those who did it and those who did not, as their shares are counted down the ranking: 0 is no separation, 1 is perfect."
    ),
    (
      "Lift",
      "What contacts add: the rate of those contacted less the rate of those held out. Some come back by themselves, and are no success of the contact."
    ),
    (
      "Net value",
      "The value, less what the policy’s hurdle asks of every unit spent; without a hurdle it is the value."
    ),
    ("Newcombe interval", "The interval of a difference of two rates, made of the Wilson intervals of both."),
    ("Overlap at k", "How many of the first k on the old list are among the first k on the new one."),
    ("PD", "Probability of default: the chance that a loan is not paid back."),
    (
      "Policy",
      "The risk team's file: who may be contacted, what they are worth, and how many are taken. Its version is the digits after the @."
    ),
    (
      "Propensity",
      "The chance with which somebody was contacted. With it, one policy's contacts can tell what another's would have brought."
    ),
    (
      "PSI",
      "Population stability index: how far users are spread otherwise over the bins of a characteristic than before. Below 0.1 little, from 0.25 on much. Few users make some PSI by chance alone: its noise level."
    ),
    ("ROI", "Return on investment: the value for each unit spent."),
    ("Selection rate", "Those contacted, of those who could have been."),
    ("Shadow price", "What one more unit of a limit (a budget, a capacity) would add to the net value."),
    (
      "Spearman correlation", "How alike two rankings are: 1 is the same order, 0 is none in common, −1 is the reverse."
    ),
    ("Swap set", "Who is on only one of two policies' lists: those who go out, and those who come in."),
    (
      "Value",
      "What a contact is expected to bring: the chance that it leads to a loan, times what the loan earns after its risk, less the contact’s cost and the harm it may do."
    ),
    ("Wilson interval", "The 95 % interval of a rate that holds for few users too, and for rates near 0 and 1."),
  ]
}
