import ColorMaps
import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// Answers side by side, the bill, the conversation, what is kept, and the codes: one page at a time, or several where
  /// there is room.
  mutating func drawCompression(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard rect.height > 0, rect.width > 0 else { return }
    if rect.width >= 110 && rect.height >= 24 { return drawCompressionBoard(state, in: rect, pictures: pictures) }
    var room = rect
    if rect.height >= 4 {
      let pages = CompressionPage.allCases
      let tabs = Tabs(pages.map(\.title), selected: state.compressionView.page.rawValue)
      _ = tabs.draw(in: Rect(x: room.x, y: room.y, width: room.width, height: 1), of: &frame, look)
      room = room.dropping(top: 1)
    }
    let page = state.compressionView.page
    drawCompressionPage(page, state, in: room, pictures: pictures, scrolls: true)
    guard page == .answers, let figures = state.compressionFigures else { return }
    // The bill begins under answers that leave room.
    let used = state.compressionLines(width: room.width).lines(page).count
    if room.height - used >= 7 { drawCosts(figures, in: room.dropping(top: used + 1)) }
  }

  /// All pages at once; a page that was chosen takes the right side where that is narrow, beside answers and costs.
  private mutating func drawCompressionBoard(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard let figures = state.compressionFigures else {
      return drawCompressionPage(.answers, state, in: rect, pictures: pictures, scrolls: false)
    }
    if rect.width >= 150 || state.compressionView.page == .answers {
      return drawCompressionColumns(figures, state, in: rect, pictures: pictures)
    }
    let left = rect.left(rect.width * 54 / 100)
    let answers = min(left.height / 2, answerRows(figures, width: left.width))
    drawAnswers(figures, in: left.top(answers))
    drawCosts(figures, in: left.dropping(top: answers + 1))
    let side = rect.dropping(left: left.width + 2)
    drawTitled(state.compressionView.page, state, in: side, pictures: pictures, isChosen: true)
  }

  /// Answers with the page that was chosen, costs, and the picture with what its codes and the cache keep of it.
  private mutating func drawCompressionColumns(
    _ figures: CompressionFigures, _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?
  ) {
    // Four squares, two above two, are as wide as the panel is high twice.
    let right = rect.right(min(rect.width >= 150 ? rect.width / 2 : rect.width * 2 / 5, 2 * rect.height))
    drawKept(state, in: right, pictures: pictures)
    let rest = rect.dropping(right: right.width + 2)
    let left = rest.left(rest.width / 2)
    drawCosts(figures, in: rest.dropping(left: left.width + 2))
    let answers = min(left.height / 2, answerRows(figures, width: left.width))
    drawAnswers(figures, in: left.top(answers))
    let room = left.dropping(top: answers + 1)
    let page = state.compressionView.page
    if [.bill, .conversation, .families].contains(page) {
      return drawTitled(page, state, in: room, pictures: pictures, isChosen: true)
    }
    let families = state.compressionLines(width: room.width).lines(.families).count
    let upper = min(room.height * 2 / 3, families + 2)
    drawTitled(.families, state, in: room.top(upper - 1), pictures: pictures, isChosen: false)
    drawTitled(.conversation, state, in: room.dropping(top: upper), pictures: pictures, isChosen: false)
  }

  private func answerRows(_ figures: CompressionFigures, width: Int) -> Int {
    2 + figures.answers.reduce(0) { $0 + 2 + max(2, $1.text.rows(width: width - 2)) }
  }

  /// The answers one under another, each token over a bar of its probability, the first difference marked.
  private mutating func drawAnswers(_ figures: CompressionFigures, in rect: Rect) {
    line("“\(figures.question)”", in: rect, style: look.theme.title)
    var room = rect.dropping(top: 1)
    for answer in figures.answers where room.height > 0 {
      line(answer.title, in: room, style: answer.isRefused ? look.theme.warning : look.theme.accent)
      room = room.dropping(top: 1)
      let rows = min(answer.text.rows(width: room.width - 2), room.height)
      draw(answer.text, in: room.dropping(left: 2).top(rows))
      room = room.dropping(top: rows)
      if room.height > 0, rows > 0 {
        line(answer.numbers, in: room.dropping(left: 2), style: look.theme.dim)
        room = room.dropping(top: 1)
      }
    }
    for words in figures.notes where room.height > 0 {
      room = room.dropping(top: paragraph(words, in: room, style: look.theme.dim))
    }
  }

  /// Bytes, operations and time of every source as bars on logarithmic axes.
  private mutating func drawCosts(_ figures: CompressionFigures, in rect: Rect) {
    line(figures.headline, in: rect, style: look.theme.title)
    let blocks = figures.costs.map { bars in
      Block(least: Size(width: 30, height: bars.rows.count + 2), most: bars.rows.count + 2) { canvas, rect in
        canvas.draw(bars, in: rect)
      }
    }
    fill(rect.dropping(top: 1), with: blocks)
  }

  private mutating func drawTitled(
    _ page: CompressionPage, _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?, isChosen: Bool
  ) {
    let mark = isChosen ? "\(look.glyphs.pointer)" : " "
    line("\(mark)\(page.title)", in: rect, style: isChosen ? look.theme.title : look.theme.dim)
    drawCompressionPage(page, state, in: rect.dropping(top: 1), pictures: pictures, scrolls: isChosen)
  }

  private mutating func drawCompressionPage(
    _ page: CompressionPage, _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?, scrolls: Bool
  ) {
    guard !rect.isEmpty else { return }
    if page == .codes { return drawCodesBeside(state, in: rect, pictures: pictures) }
    let lines = state.compressionLines(width: rect.width).lines(page)
    ListView(lines, scroll: Scroll(offset: scrolls ? state.compressionView.scroll : 0)).draw(in: rect, of: &frame, look)
  }

  /// The picture, what its codes decode to, what they lost of it, and the rows of keys and values that stay.
  private mutating func drawKept(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    let rows = Layout(.vertical, [.fill, .fill], gap: 1).split(rect)
    let places = rows.flatMap { Layout(.horizontal, [.fill, .fill], gap: 2).split($0) }
    guard let decoded = state.decodedCodes else {
      line("The codes are not decoded yet.", in: places[0], style: look.theme.dim)
      return drawRowsKept(state, in: places[3])
    }
    drawTitledPicture("picture", decoded.picture, in: places[0], pictures)
    drawTitledPicture(
      "from its codes, \(decimal(decoded.decibels, digits: 1)) dB", decoded.reconstruction, in: places[1], pictures)
    line("what the codes lost, mean |difference| a code", in: places[2], style: look.theme.accent)
    let area = places[2].dropping(top: 1).dropping(bottom: 1)
    let layout = GridLayout(
      columns: decoded.grid.columns, rows: decoded.grid.rows, in: area, look, keeping: state.cursor.code)
    let scale = ValueScale.linear(0...max(decoded.lost.max() ?? 0, .ulpOfOne))
    draw(HeatMap(decoded.lost, layout: layout, scale: scale), in: area)
    draw(GridMarks(layout: layout, cursor: state.cursor.code), in: area)
    hits.add(layout.area.intersection(area), .codes(layout))
    let here = state.cursor.code.index(columns: decoded.grid.columns)
    let marked = decoded.lost.indices.contains(here) ? decoded.lost[here] : nil
    draw(
      ColorBar(scale: scale, name: "lost", marked: marked),
      in: Rect(x: area.x, y: layout.area.maxY, width: layout.area.width, height: 1).intersection(places[2]))
    drawRowsKept(state, in: places[3])
  }

  private mutating func drawTitledPicture(
    _ title: String, _ picture: Picture, in rect: Rect, _ pictures: PictureRenderer?
  ) {
    line(title, in: rect, style: look.theme.accent)
    let place = rect.dropping(top: 1)
    let renderer = pictures ?? .best(for: look)
    let size = renderer.size(ofWidth: picture.width, height: picture.height, in: place.size)
    frame.drawPicture(
      picture.pixels, width: picture.width, height: picture.height,
      in: Rect(x: place.x, y: place.y, width: size.width, height: size.height), with: renderer)
  }

  /// A mark a row of keys and values: what a question reads of all visual tokens, and of `<voco>` alone.
  private mutating func drawRowsKept(_ state: InspectorState, in rect: Rect) {
    let spans = (state.trace?.sequence?.spans ?? []).filter { $0.kind != .text }
    guard !spans.isEmpty, rect.height >= 6 else { return }
    line("rows of keys and values a question reads", in: rect, style: look.theme.accent)
    let words = wrapped(state.codesWords, to: rect.width)
    let room = rect.dropping(top: 1).dropping(bottom: words.count + 3)
    let total = spans.reduce(0) { $0 + $1.count }
    let mark: Character = look.glyphs.isUnicode ? "■" : "#"
    // A space between the marks where there is room for one.
    let step = 2 * total <= room.width * room.height ? 2 : 1
    let perRow = max(1, room.width / step)
    var index = 0
    for span in spans {
      let style = look.seriesStyle(Self.markColor(span.kind))
      for _ in 0..<span.count {
        let place = Point(x: room.x + index % perRow * step, y: room.y + index / perRow)
        frame.put(span.kind == .anchors && !look.hasColor ? "A" : mark, style, x: place.x, y: place.y, clip: room)
        index += 1
      }
    }
    let used = min(room.height, (total + perRow - 1) / perRow)
    let below = rect.dropping(top: used + 1)
    let names = spans.map { "\(Format.integer($0.count)) \($0.kind.rawValue)" }.joined(separator: ", ")
    line("without compression all of them: \(names)", in: below, style: look.theme.dim)
    let voco = spans.first { $0.kind == .voco }?.count ?? 0
    let kept = String(repeating: mark, count: min(voco, rect.width / 3))
    line(
      [
        Span(kept, look.seriesStyle(Self.markColor(.voco))),
        Span(" all that is read from \(voco) <voco>", look.theme.dim),
      ], in: below, row: 1)
    for (row, text) in words.enumerated() { line(text, in: below, row: row + 3, style: look.theme.dim) }
  }

  private static func markColor(_ kind: SegmentKind) -> Int {
    switch kind {
    case .anchors: 1
    case .voco: 3
    case .patches: 0
    default: 2
    }
  }

  /// The picture beside what its codes decode to.
  private mutating func drawCodesBeside(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard let decoded = state.decodedCodes else {
      return line("The codes are not decoded yet.", in: rect, style: look.theme.dim)
    }
    let words = state.codesWords
    let textRows = rect.height >= 8 ? min(3, wrapped(words, to: rect.width).count) : 0
    let halves = Layout(.horizontal, [.fill, .fill], gap: 2).split(rect.dropping(bottom: textRows + 1))
    drawTitledPicture("picture", decoded.picture, in: halves[0], pictures)
    drawTitledPicture("from its codes", decoded.reconstruction, in: halves[1], pictures)
    if textRows > 0 { paragraph(words, in: rect.bottom(textRows), style: look.theme.dim) }
  }
}

/// What the Compression panel draws of the latest question, made when an answer grows.
package struct CompressionFigures: Sendable {
  struct Answer: Sendable {
    let title: String
    let isRefused: Bool
    let text: ProbabilityText
    /// The probabilities of the first tokens in numbers.
    let numbers: String
  }

  let question: String
  let answers: [Answer]
  /// How the answers differ, and what the checkpoint was trained for.
  let notes: [String]
  let headline: String
  let costs: [Bars]

  /// `nil` until a question was asked.
  init?(_ state: CompressionState) {
    guard let facts = state.facts, let exchange = state.latest else { return nil }
    let bill = CompressionBill(facts, pictures: state.pictures, latest: exchange)
    question = exchange.question
    answers = exchange.answers.map { answer in
      let tokens = answer.tokens.map { ProbabilityText.Token(Self.shown($0.piece), $0.probability) }
      return Answer(
        title: "\(facts.title(of: answer.source)) → \(answer.isOver ? answer.outcome : answer.text)",
        isRefused: answer.refusal != nil,
        text: ProbabilityText(tokens, firstDifference: exchange.divergence(of: answer.source)),
        numbers: answer.tokens.prefix(16).map { Format.percent($0.probability) }.joined(separator: " "))
    }
    notes =
      exchange.agreements.filter { $0.length > 0 }.map { agreement in
        let names = "\(facts.title(of: agreement.first)) and \(facts.title(of: agreement.second))"
        let words = agreement.partsAt.map { "part at token \($0 + 1)" } ?? "do not part"
        let tokens = agreement.length == 1 ? "token agrees" : "tokens agree"
        return "\(names) \(words); \(agreement.equal) of \(agreement.length) \(tokens)"
      } + facts.edges()
    headline =
      bill.ratio.map {
        "\(Format.integer(facts.prompt.visual)) : \(facts.prompt.voco) — keys and values \(Format.times($0)) smaller"
      }
      ?? bill.sentence
    costs = Self.costs(bill, facts)
  }

  private static func shown(_ piece: String) -> String {
    piece.hasPrefix("▁") ? piece.dropFirst() + "" : piece
  }

  private static func costs(_ bill: CompressionBill, _ facts: CompressionFacts) -> [Bars] {
    func bars(
      _ title: String, _ bills: [SourceBill], _ value: (SourceBill) -> Double?, _ text: (Double) -> String,
      _ name: (SourceBill) -> String
    ) -> Bars? {
      let isBytes = title.contains("keys and values")
      let values = bills.compactMap { value($0) }.filter { $0 > 0 }
      guard let low = values.min(), let high = values.max() else { return nil }
      let rows = bills.map { bill in
        let value = value(bill)
        return Bars.Row(label: name(bill), value: value ?? 0, text: value.map(text) ?? Format.none)
      }
      var bars = Bars(title: title, rows, scale: .logarithmic(low / 2...max(high, low)))
      // Powers of ten and of 1024, with their units.
      bars.ticks = [1.0, 1024, 1_048_576, 1_073_741_824].filter { $0 > low / 2 && $0 < high }.map {
        ScaleTick($0, text($0))
      }
      if !isBytes { bars.ticks = bars.scale.ticks(count: 4).map { ScaleTick($0.value, text($0.value)) } }
      return bars
    }
    func own(_ title: String, _ value: (SourceBill) -> Double?, _ text: (Double) -> String) -> Bars? {
      bars(title, bill.sources, value, text) { facts.title(of: $0.source) }
    }
    func published(_ title: String, _ value: (SourceBill) -> Double?, _ text: (Double) -> String) -> Bars? {
      bars("7B, computed: \(title)", bill.published, value, text) {
        switch $0.source {
        case .full: "580 tokens"
        case .voco: "1 <voco>"
        case .none: "no picture"
        }
      }
    }
    func bytes(_ value: Double) -> String { Format.bytes(Int(value)) }
    func operations(_ value: Double) -> String { Format.operations(Int(value)) }
    return [
      own("keys and values kept, computed", { Double($0.computedBytes) }, bytes),
      own("keys and values kept, measured", { $0.measuredBytes.map(Double.init) }, bytes),
      own("a question, computed", { Double($0.questionOperations) }, operations),
      own("a question, measured", \.questionSeconds, Format.duration),
      own("the picture once, computed", { Double($0.pictureOperations) }, operations),
      own("the picture once, measured", \.pictureSeconds, Format.duration),
      own("an answer token, computed", { Double($0.tokenOperations) }, operations),
      own("an answer token, measured", \.tokenSeconds, Format.duration),
      published("keys and values kept", { Double($0.computedBytes) }, bytes),
      published("a question", { Double($0.questionOperations) }, operations),
    ].compactMap { $0 }
  }
}

extension InspectorState {
  mutating func turnCompressionPage() {
    let pages = CompressionPage.allCases
    compressionView.page = pages[(compressionView.page.rawValue + 1) % pages.count]
    compressionView.scroll = 0
  }

  var compressionFindings: [String] {
    guard let facts = compression.facts else { return [] }
    let answer = compression.latest?[.voco].map { "<voco> says “\($0.text)”" } ?? ""
    return ["\(Format.integer(facts.prompt.visual)) : \(facts.prompt.voco)", answer]
  }

  func compressionLines(width: Int) -> CompressionLines {
    CompressionLines(
      state: compression, view: compressionView, look: appearance, width: width, waiting: compressionWaiting)
  }

  /// The lines of the page on screen, for scrolling.
  var compressionLineCount: Int {
    compressionLines(width: max(20, min(size.width, 110))).lines(compressionView.page).count
  }

  private var compressionWaiting: String {
    if !capabilities.runsModel { return "A trace holds one answer; comparing needs the checkpoint." }
    if trace?.language == nil { return "The decoder has not run yet." }
    return
      "Press \(keyMap.hint(.askAll, unicode: glyphs.isUnicode)) to ask “\(prompt)” from all visual tokens, from <voco> and from no picture."
  }

  /// What the anchors could know.
  var codesWords: String {
    guard let mgvq = trace?.mgvq else { return "" }
    let codes = mgvq.codes
    let count = Format.integer(codes.groups * codes.height * codes.width)
    var words =
      "The \(links.anchors) anchors are made from \(count) codes (\(codes.groups) groups × \(codes.height)×\(codes.width)); "
    words += "what the codes lost, the anchors cannot know."
    if let decibels = decodedCodes?.decibels { words += " \(decimal(decibels, digits: 1)) dB." }
    return words
  }
}
