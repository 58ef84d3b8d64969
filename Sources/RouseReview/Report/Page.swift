/// One page that needs nothing else: no script, no font, no picture from anywhere, and it forbids itself to load any.
struct Page {
  var title: String
  /// Below the title: of what, from when.
  var about: Markup
  var sections: [Section]

  struct Section {
    /// Its anchor; a name of ours.
    var id: String
    var title: String
    /// What it comes to, in a sentence.
    var headline: Markup
    var body: [Markup]
  }

  /// The same bytes for the same page.
  var html: String {
    let contents = sections.map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>" as Markup }
    let main = sections.map { section in
      """
      <section id="\(section.id)" aria-labelledby="\(section.id)-h"><h2 id="\(section.id)-h">\(section.title)</h2>
      \(section.headline.isEmpty ? "" : "<p class=\"headline\">\(section.headline)</p>" as Markup)\(Markup(section.body))
      </section>

      """ as Markup
    }
    let page: Markup = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <title>\(title)</title>
      <style>
      \(Markup(stringLiteral: ReportStyle.css))
      </style>
      </head>
      <body>
      \(ReportStyle.patterns)
      <div class="page">
      <header><h1>\(title)</h1>
      <p class="soft">\(about)</p></header>
      <nav aria-label="Contents"><ol>\(contents)</ol></nav>
      <main>
      \(main)
      </main>
      </div>
      </body>
      </html>

      """
    return page.html
  }
}
