import CNcurses
package import ColorMaps
import Foundation
package import TerminalUI

/// The terminal as frames out and events in. Main thread only, but for `wake`; one at a time.
///
/// However the process ends (an error, SIGINT, SIGTERM, SIGHUP, a trap), the terminal is put back as it was found.
package final class CursesTerminal {
  package struct Configuration: Sendable, Hashable {
    /// What `ColorDepth.detect` found.
    package var depth: ColorDepth
    /// Whether characters beyond ASCII may be drawn.
    package var isUnicode: Bool
    package var usesMouse: Bool
    package var environment: [String: String]

    package init(depth: ColorDepth, isUnicode: Bool, usesMouse: Bool = true, environment: [String: String]) {
      self.depth = depth
      self.isUnicode = isUnicode
      self.usesMouse = usesMouse
      self.environment = environment
    }
  }

  /// The depth the terminal really has: without a direct-colour terminfo entry, 24-bit falls back to 256.
  package let depth: ColorDepth
  /// Whether characters beyond ASCII are drawn.
  package let isUnicode: Bool
  package private(set) var size: Size

  private let colors: Int
  private var shown: Frame?
  private var pending: [InputEvent] = []
  private var reader = InputReader()
  private var lastPair: (style: Style, pair: Int32)?

  /// Takes the terminal over.
  ///
  /// - Throws: `CursesTerminalError`, with the terminal untouched.
  package init(_ configuration: Configuration) throws(CursesTerminalError) {
    guard cncurses_has_terminal() else { throw .notATerminal }
    let names = terminalNames(for: configuration.depth, environment: configuration.environment)
    guard !names.isEmpty else { throw .noTerminalType }
    isUnicode = cncurses_set_encoding(configuration.isUnicode) && configuration.isUnicode
    let usesColor = configuration.depth != .mono
    guard names.contains(where: { cncurses_open($0, usesColor, configuration.usesMouse) }) else {
      throw .unusableTerminal(names)
    }
    colors = Int(cncurses_colors())
    depth = availableDepth(wanted: configuration.depth, colors: colors)
    size = Self.currentSize()
  }

  deinit { cncurses_close() }

  /// Gives the terminal back; calling it again does nothing.
  package func restore() { cncurses_close() }

  /// Gives the terminal back and stops, as Ctrl-Z does; returns when continued, with everything to be drawn anew.
  package func suspend() {
    cncurses_suspend()
    didResume()
  }

  /// Forgets what the screen shows: the next frame is drawn whole (Ctrl-L).
  package func redraw() {
    shown = nil
    cncurses_forget_screen()
  }

  /// Ends a `nextEvent` that waits, from any thread.
  package static func wake() { cncurses_wake() }

  /// Takes the mouse or leaves it to the terminal.
  package func setMouse(_ isTaken: Bool) { cncurses_use_mouse(isTaken) }

  /// Puts text on the clipboard of the machine that the person sits at, also over ssh (xterm's OSC 52); terminals that
  /// forbid it ignore it.
  package func copyToClipboard(_ text: String) {
    cncurses_write("\u{1B}]52;c;\(Data(text.utf8).base64EncodedString())\u{07}")
  }

  /// Shows a frame, sending only what changed; what does not fit the screen is cut.
  package func draw(_ frame: Frame) {
    let frame = isUnicode ? frame : frame.asciiOnly
    for run in frameDiff(from: shown, to: frame) where run.y < size.height {
      put(run)
    }
    shown = frame
    let caret = frame.caret.flatMap { Rect(size).contains($0) ? $0 : nil }
    cncurses_refresh(Int32(caret?.y ?? -1), Int32(caret?.x ?? -1))
  }

  /// The next thing a person did; `nil` after `timeoutMilliseconds` (negative: never) or when woken.
  package func nextEvent(timeoutMilliseconds: Int) -> InputEvent? {
    if let event = takePending() { return event }
    let found = cncurses_wait_for_events(Int32(clamping: timeoutMilliseconds))
    note(found)
    return takePending()
  }

  private func takePending() -> InputEvent? {
    if pending.isEmpty { pending = reader.readAll() }
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
    pending.append(.resize(size))
  }

  private func put(_ run: FrameRun) {
    for (offset, cell) in run.cells.enumerated() where run.x + offset < size.width {
      if cell.character == Cell.continuation.character { continue }
      let isWide =
        offset + 1 < run.cells.count && run.cells[offset + 1].character == Cell.continuation.character
      let isCut = isWide && run.x + offset + 1 >= size.width
      put(isCut ? Cell(" ", cell.style) : cell, width: isWide && !isCut ? 2 : 1, x: run.x + offset, y: run.y)
    }
  }

  private func put(_ cell: Cell, width: Int, x: Int, y: Int) {
    let code = CursesStyle(cell.style, depth: depth, colors: colors)
    if lastPair?.style != cell.style {
      lastPair = (cell.style, cncurses_pair(code.foreground, code.background))
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
