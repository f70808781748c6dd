import CNcurses
package import ColorMaps
import Foundation
package import TerminalUI

/// The terminal as frames out and events in. Main thread only, but for `wake`; one at a time.
///
/// However the process ends (an error, SIGINT, SIGTERM, SIGHUP, a trap), the terminal is put back as it was found.
package final class CursesTerminal {
  package struct Configuration {
    /// What `ColorDepth.detect` found.
    package var depth: ColorDepth
    /// Whether characters beyond ASCII may be drawn.
    package var isUnicode: Bool
    package var usesMouse: Bool
    /// Whether and how pictures are shown in pixels.
    package var graphics: PixelGraphics.Request
    /// Makes sixels of pixels.
    package var encodeSixel: PicturePainter.SixelEncoder?
    package var environment: [String: String]

    package init(
      depth: ColorDepth, isUnicode: Bool, usesMouse: Bool = true, graphics: PixelGraphics.Request = .symbols,
      encodeSixel: PicturePainter.SixelEncoder? = nil, environment: [String: String]
    ) {
      self.depth = depth
      self.isUnicode = isUnicode
      self.usesMouse = usesMouse
      self.graphics = graphics
      self.encodeSixel = encodeSixel
      self.environment = environment
    }
  }

  /// The depth the terminal really has: without a direct-colour terminfo entry, 24-bit falls back to 256.
  package let depth: ColorDepth
  /// Whether characters beyond ASCII are drawn.
  package let isUnicode: Bool
  package private(set) var size: Size
  /// What the terminal has said of itself so far.
  package private(set) var abilities = TerminalAbilities()
  /// How pictures are shown in pixels; `nil` while, or where, characters show them. When that changes, a resize to the
  /// size as it is asks for a new frame.
  package private(set) var graphics: PixelGraphics?

  private let configuration: Configuration
  private var painter: PicturePainter?
  private var kernelCell: (Int32, Int32) = (0, 0)
  private let colors: Int
  private var shown: Frame?
  private var pending: [InputEvent] = []
  private var reader = InputReader()
  private var pairs: ColorPairs
  private var lastPair: (style: Style, pair: Int32)?

  /// Takes the terminal over.
  ///
  /// - Throws: `CursesTerminalError`, with the terminal untouched.
  package init(_ configuration: Configuration) throws(CursesTerminalError) {
    guard cncurses_has_terminal() else { throw .notATerminal }
    let isDescribed = Self.describedColors(environment: configuration.environment) != nil
    let names = terminalNames(
      for: configuration.depth, environment: configuration.environment, isDescribed: isDescribed)
    guard !names.isEmpty else { throw .noTerminalType }
    isUnicode = cncurses_set_encoding(configuration.isUnicode) && configuration.isUnicode
    let usesColor = configuration.depth != .mono
    guard names.contains(where: { cncurses_open($0, usesColor, configuration.usesMouse) }) else {
      throw .unusableTerminal(configuration.environment["TERM"] ?? "", tried: names)
    }
    colors = Int(cncurses_colors())
    pairs = ColorPairs(count: Int(cncurses_pairs()))
    depth = availableDepth(wanted: configuration.depth, colors: colors)
    size = Self.currentSize()
    self.configuration = configuration
    askForAbilities()
  }

  deinit { cncurses_close() }

  /// Gives the terminal back; calling it again does nothing.
  package func restore() {
    // An answer under way must not reach the shell.
    for _ in 0..<4 where reader.expectsReplies {
      guard cncurses_wait_for_events(50) & CNCURSES_READABLE.rawValue != 0 else { break }
      _ = reader.readAll()
    }
    cncurses_close()
  }

  /// How many colours terminfo gives the terminal that `TERM` names, `1 << 24` for direct colour; `nil` where it has no
  /// entry of that name.
  package static func describedColors(environment: [String: String]) -> Int? {
    guard let term = environment["TERM"], !term.isEmpty else { return nil }
    let colors = cncurses_described_colors(term)
    return colors < 0 ? nil : Int(colors)
  }

  /// Gives the terminal back and stops, as Ctrl-Z does; returns when continued, with everything to be drawn anew.
  package func suspend() {
    cncurses_suspend()
    didResume()
  }

  /// Forgets what the screen shows: the next frame is drawn whole (Ctrl-L).
  package func redraw() {
    shown = nil
    write(painter?.forget() ?? [])
    cncurses_forget_screen()
  }

  /// Ends a `nextEvent` that waits, from any thread.
  package static func wake() { cncurses_wake() }

  /// Takes the mouse or leaves it to the terminal.
  package func setMouse(_ isTaken: Bool) { cncurses_use_mouse(isTaken) }

  /// Puts text on the clipboard of the machine that the person sits at, also over ssh (xterm's OSC 52); terminals that
  /// forbid it ignore it.
  package func copyToClipboard(_ text: String) {
    write(Array("\u{1B}]52;c;\(Data(text.utf8).base64EncodedString())\u{07}".utf8))
  }

  /// Shows a frame, sending only what changed; what does not fit the screen is cut.
  package func draw(_ frame: Frame) {
    let frame = isUnicode ? frame : frame.asciiOnly
    if pairs.startOver(cells: size.width * size.height) {
      lastPair = nil
      redraw()
    }
    // Lines that ncurses finds elsewhere it moves within a scroll region, and the pixels over them go along.
    if painter != nil, let shown, movesLines(from: shown, to: frame) { redraw() }
    let runs = frameDiff(from: shown, to: frame).filter { $0.y < size.height }
    for run in runs { put(run) }
    shown = frame
    let caret = frame.caret.flatMap { Rect(size).contains($0) ? $0 : nil }
    cncurses_refresh(Int32(caret?.y ?? -1), Int32(caret?.x ?? -1))
    write(painter?.update(to: frame, written: runs, size: size) ?? [])
  }

  private func write(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    bytes.withUnsafeBytes { cncurses_write($0.baseAddress, bytes.count) }
  }

  /// Asks the terminal for what it can do; the answers come as input does, and nothing waits for them.
  private func askForAbilities() {
    guard isUnicode && configuration.graphics != .symbols else { return }
    measureCells()
    let queries = terminalQueries(environment: configuration.environment)
    reader.expectsReplies = !queries.isEmpty
    write(Array(queries.utf8))
    if configuration.graphics != .auto { chooseGraphics() }
  }

  /// Takes the size of a cell as the kernel knows it, where that has changed: what the terminal itself answered is more
  /// exact, and stays true until it has another font.
  private func measureCells() {
    var width: Int32 = 0
    var height: Int32 = 0
    cncurses_cell_pixels(&width, &height)
    guard width > 0 && height > 0 && (width, height) != kernelCell else { return }
    kernelCell = (width, height)
    abilities.note(.cellPixels(width: Int(width), height: Int(height)))
  }

  /// Takes note of what the terminal says of itself, and begins to use it once it has said all.
  private func noteReplies() {
    guard !reader.replies.isEmpty else { return }
    for reply in reader.replies { abilities.note(reply) }
    reader.replies = []
    if !reader.expectsReplies { chooseGraphics() }
  }

  private func chooseGraphics() {
    let chosen = abilities.graphics(configuration.graphics)
    guard let chosen, chosen != graphics, let encodeSixel = configuration.encodeSixel else { return }
    graphics = chosen
    painter = painter(chosen, encodeSixel)
    cncurses_use_pixels(chosen == .kitty ? PicturePainter.farewell : "")
    pending.append(.resize(size))
  }

  private func painter(_ graphics: PixelGraphics, _ encode: @escaping PicturePainter.SixelEncoder) -> PicturePainter {
    PicturePainter(graphics, cell: abilities.cellPixels ?? (8, 16), encodeSixel: encode)
  }

  /// The next thing a person did; `nil` after `timeoutMilliseconds` (negative: never) or when woken.
  package func nextEvent(timeoutMilliseconds: Int) -> InputEvent? {
    if let event = takePending() { return event }
    let found = cncurses_wait_for_events(Int32(clamping: timeoutMilliseconds))
    note(found)
    return takePending()
  }

  private func takePending() -> InputEvent? {
    if pending.isEmpty {
      pending = reader.readAll()
      noteReplies()
    }
    return pending.isEmpty ? nil : pending.removeFirst()
  }

  private func note(_ found: UInt32) {
    func happened(_ what: cncurses_wait) -> Bool { found & what.rawValue != 0 }
    if happened(CNCURSES_STOP_REQUESTED) { suspend() }
    if happened(CNCURSES_CONTINUED) {
      cncurses_resume()
      didResume()
    }
    if happened(CNCURSES_RESIZED) { updateSize() }
    if happened(CNCURSES_READABLE) || happened(CNCURSES_HUNG_UP) {
      pending += reader.readAll()
      noteReplies()
      if pending.isEmpty && happened(CNCURSES_HUNG_UP) { cncurses_hang_up() }
    }
  }

  private func didResume() {
    redraw()
    updateSize()
  }

  private func updateSize() {
    size = Self.currentSize()
    shown = nil
    write(painter?.forget() ?? [])
    // A larger font changes the cells as well as their number.
    let before = abilities
    measureCells()
    if abilities != before, let graphics, let encode = configuration.encodeSixel { painter = painter(graphics, encode) }
    pending.append(.resize(size))
  }

  private func put(_ run: FrameRun) {
    for (offset, cell) in run.cells.enumerated() where run.x + offset < size.width {
      if cell.character == Cell.continuation.character { continue }
      if cell.character == Cell.picture.character {
        // A blank that ncurses takes for another than the space: what is written there later is written in any case.
        put(Cell("\u{A0}", cell.style), width: 1, x: run.x + offset, y: run.y)
        continue
      }
      let isWide =
        offset + 1 < run.cells.count && run.cells[offset + 1].character == Cell.continuation.character
      let isCut = isWide && run.x + offset + 1 >= size.width
      put(isCut ? Cell(" ", cell.style) : cell, width: isWide && !isCut ? 2 : 1, x: run.x + offset, y: run.y)
    }
  }

  private func put(_ cell: Cell, width: Int, x: Int, y: Int) {
    let code = CursesStyle(cell.style, depth: depth, colors: colors)
    if lastPair?.style != cell.style {
      let (pair, isNew) = pairs.number(code.foreground, code.background)
      if isNew { cncurses_set_pair(pair, code.foreground, code.background) }
      lastPair = (cell.style, pair)
    }
    let scalars = cell.character.unicodeScalars.map(\.value)
    cncurses_put(
      Int32(y), Int32(x), scalars, scalars.count, Int32(width), UInt32(code.attributes.rawValue), lastPair?.pair ?? 0)
  }

  private static func currentSize() -> Size {
    var width: Int32 = 0
    var height: Int32 = 0
    cncurses_update_size(&width, &height)
    return Size(width: Int(width), height: Int(height))
  }
}

/// Whether lines of a frame stand in another one a few rows higher or lower, and not where they were: three in a row are
/// what makes ncurses scroll.
package func movesLines(from old: Frame, to new: Frame) -> Bool {
  guard old.size == new.size else { return false }
  func equal(_ a: Int, _ b: Int) -> Bool { (0..<new.size.width).allSatisfy { old[$0, a] == new[$0, b] } }
  let changed = (0..<new.size.height).filter { !equal($0, $0) }
  return [-3, -2, -1, 1, 2, 3].contains { shift in
    var count = 0
    for row in changed where (0..<new.size.height).contains(row + shift) {
      count = equal(row + shift, row) ? count + 1 : 0
      if count == 3 { return true }
    }
    return false
  }
}

/// Why the terminal could not be taken over.
package enum CursesTerminalError: Error, Sendable, Equatable, CustomStringConvertible {
  case notATerminal
  case noTerminalType
  /// The value of `TERM`, and the names that were tried.
  case unusableTerminal(String, tried: [String])

  package var description: String {
    switch self {
    case .notATerminal: "standard input and output must be a terminal"
    case .noTerminalType: "the environment variable TERM is not set, so the terminal's type is unknown"
    case .unusableTerminal(let term, let names):
      "no terminal description for TERM=\(term) can move the cursor (tried \(names.joined(separator: ", ")))"
    }
  }
}

/// Numbers for the pairs of colours on the screen.
///
/// ncurses' own (`alloc_pair`) gives each number away once: when 65,535 pairs have been shown, which some thousand keys on a
/// large screen do, every new one is without colour. Here all are given away again once there are more than a few screens of
/// them, and that screen is drawn anew.
package struct ColorPairs {
  private struct Colors: Hashable {
    let foreground: Int32
    let background: Int32
  }

  /// Fewer are not worth drawing a screen again.
  private static let fewest = 8192
  /// Where a terminal has fewer than that, a screen that takes them all sooner would flicker.
  private static let fewestFrames = 200

  /// The greatest number.
  private let limit: Int
  private var numbers: [Colors: Int32] = [:]
  /// Frames drawn since the numbers began from 1.
  private var frames = 0
  /// Whether a frame or a few take all numbers that there are: to start over would gain nothing.
  private var areTooFew = false

  /// - Parameter count: of the numbers from 0, which stands for the terminal's own colours.
  package init(count: Int) { limit = max(0, count - 1) }

  /// Before a frame on a screen of so many cells: whether the numbers begin anew, so that the screen has to be drawn whole.
  package mutating func startOver(cells: Int) -> Bool {
    defer { frames += 1 }
    guard numbers.count >= min(limit, max(Self.fewest, 2 * cells)), !areTooFew, limit > 0 else { return false }
    areTooFew = frames <= (limit < Self.fewest ? Self.fewestFrames : 1)
    guard !areTooFew else { return false }
    numbers.removeAll(keepingCapacity: true)
    frames = 0
    return true
  }

  /// The number of a pair, and whether it was given away just now; 0 where all are.
  package mutating func number(_ foreground: Int32, _ background: Int32) -> (pair: Int32, isNew: Bool) {
    let colors = Colors(foreground: foreground, background: background)
    if let known = numbers[colors] { return (known, false) }
    guard numbers.count < limit else { return (0, false) }
    let next = Int32(numbers.count + 1)
    numbers[colors] = next
    return (next, true)
  }
}

/// A style as ncurses numbers it: colours of the terminal's own table, -1 for its default.
package struct CursesStyle: Sendable, Hashable {
  package let foreground: Int32
  package let background: Int32
  package let attributes: Attributes

  /// - Parameter colors: the terminal's number of colours; `1 << 24` for direct colour.
  package init(_ style: Style, depth: ColorDepth, colors: Int) {
    var attributes = style.attributes
    let bright = Self.number(depth.reduce(style.foreground), colors: colors)
    if colors == 8 && bright >= 8 { attributes.insert(.bold) }
    foreground = colors == 8 && bright >= 8 ? bright - 8 : bright
    let back = Self.number(depth.reduce(style.background), colors: colors)
    background = colors == 8 && back >= 8 ? back - 8 : back
    self.attributes = attributes
  }

  private static func number(_ color: TerminalColor, colors: Int) -> Int32 {
    switch color {
    case .terminal: return -1
    case .index(let index):
      guard colors >= 1 << 24, case .rgb(let r, let g, let b) = paletteColor(index) else { return Int32(index) }
      return direct(r, g, b)
    case .direct(let r, let g, let b): return direct(r, g, b)
    }
  }

  /// `0xRRGGBB`. Direct-colour terminfo entries keep 0–7 for the palette, so the darkest blues become one step of grey.
  private static func direct(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> Int32 {
    let value = Int32(r) << 16 | Int32(g) << 8 | Int32(b)
    return value < 8 ? (value < 4 ? 0x010101 : 0x000008) : value
  }
}
