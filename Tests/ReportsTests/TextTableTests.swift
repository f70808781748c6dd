import Reports
import Testing

@Suite("Text tables")
struct TextTableTests {
  @Test("Names stand left and numbers right, two columns apart")
  func numbers() {
    let rows = [["name", "score", "remark"], ["a", "12.5", "fine"], ["long", "3", ""]]
    #expect(
      TextTable().lines(rows) == [
        "  name  score  remark", "  a      12.5  fine", "  long      3",
      ])
  }

  @Test("Wide characters and marks are measured in columns of the terminal, not in characters")
  func width() {
    let lines = TextTable(.trailingButFirst, indent: 0).lines([["颜色", "1"], ["cafe\u{301}", "22"]])
    #expect(lines == ["颜色   1", "cafe\u{301}  22"])
  }

  @Test("A matrix gives all its columns the width of the widest")
  func matrix() {
    let lines = TextTable(.trailingButFirst, gap: 1, isMatrix: true).lines([["L1", "1", "22.5"], ["L10", "", "3"]])
    #expect(lines == ["  L1     1 22.5", "  L10         3"])
  }

  @Test("Rows may be shorter than the heading, and no line ends with spaces")
  func shortRows() {
    let table = TextTable(.each([.leading, .trailing, .leading]), indent: 0)
    #expect(table.lines([["a", "b", "c"], ["d"], ["e", "10", "f "], []]) == ["a   b  c", "d", "e  10  f", ""])
  }
}

@Suite("CSV")
struct CSVTests {
  @Test(
    "A field is quoted where a comma, a quotation mark or a line's end stands in it, whatever it is joined with",
    arguments: [
      ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("a\nb", "\"a\nb\""),
      ("a\r\nb", "\"a\r\nb\""), ("a,\u{301}b", "\"a,\u{301}b\""), ("\"\u{301}", "\"\"\"\u{301}\""), ("", ""),
    ])
  func fields(text: String, written: String) {
    #expect(Array(CSV.field(text).unicodeScalars) == Array(written.unicodeScalars))
  }

  @Test("Rows end as asked")
  func rows() {
    #expect(CSV.text([["a", "b"], ["1", "2,5"]]) == "a,b\n1,\"2,5\"\n")
    #expect(CSV.text([["a"], ["b"]], lineEnd: "\r\n") == "a\r\nb\r\n")
  }

  @Test("Fields that are written are read again, for random texts of the characters that matter")
  func roundTrip() {
    var generator = SystemRandomNumberGenerator()
    let alphabet: [Unicode.Scalar] = ["a", ",", "\"", "\n", "\r", "\u{301}", "é", "\u{2028}", " "]
    for _ in 0..<500 {
      let fields = (0..<3).map { _ in
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
          text.append(alphabet.randomElement(using: &generator)!)
        }
        return String(text)
      }
      let read = parsed(CSV.text([fields]))
      #expect(read.map { Array($0.unicodeScalars) } == fields.map { Array($0.unicodeScalars) }, "\(fields)")
    }
  }

  /// One row, read by the grammar of RFC 4180.
  private func parsed(_ text: String) -> [String] {
    var fields = [String.UnicodeScalarView()]
    var isQuoted = false
    var scalars = Array(text.unicodeScalars.dropLast())[...]
    while let scalar = scalars.popFirst() {
      switch scalar {
      case "\"" where !isQuoted: isQuoted = true
      case "\"" where scalars.first == "\"": fields[fields.count - 1].append(scalars.removeFirst())
      case "\"": isQuoted = false
      case "," where !isQuoted: fields.append(String.UnicodeScalarView())
      default: fields[fields.count - 1].append(scalar)
      }
    }
    return fields.map { String($0) }
  }
}

@Suite("Markdown")
struct MarkdownTests {
  @Test("What would end a cell or a row is escaped")
  func table() {
    #expect(
      Markdown.table(["name", "n"], [["a|b", "1\n2"], ["c", ""]]) == [
        "| name | n |", "| --- | --- |", "| a\\|b | 1 2 |", "| c |  |",
      ])
  }
}

@Suite("Progress")
struct ProgressTests {
  @Test("The bar shows share, rate and time left in the columns it has")
  func bar() {
    let half = ProgressBarText(done: 250, total: 500, resumed: 50, seconds: 50)
    #expect(half.text(width: 60) == "[############------------]  50 % 250/500 · 4.0/s · 1:03 left")
    #expect(half.text(width: 20).count == 20)
    #expect(half.text(width: 0).isEmpty)
    let start = ProgressBarText(done: 0, total: 500, seconds: 0)
    #expect(start.text(width: 40) == "[--------------------------]   0 % 0/500")
    let long = ProgressBarText(done: 1, total: 100_000, seconds: 1)
    #expect(long.text(width: 80).hasSuffix("1.0/s · 27:46:39 left"))
    let end = ProgressBarText(done: 5, total: 5, seconds: 10)
    #expect(end.text(width: 40).hasSuffix("100 % 5/5 · 0.5/s"))
  }
}
