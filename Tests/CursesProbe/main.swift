// A program for the tests of CursesTerminal: shows what it receives, and ends in the ways a program can end.

import ColorMaps
import CursesTerminal
import Foundation
import TerminalUI

struct ProbeError: Error {}

struct Probe {
  var events: [String] = []
  var look: Appearance
  /// Whether the picture is taken away.
  var isHidden = false
  /// Whether very many colours have been shown.
  var isLate = false

  /// Colours of every kind, wide characters, and the last events from the bottom up.
  func frame(_ size: Size, graphics: PixelGraphics?) -> Frame {
    var frame = Frame(size: size)
    frame.fill(frame.bounds, with: Cell(" ", look.theme.text))
    let inside = frame.box(
      frame.bounds, title: "probe \(size.width)×\(size.height) \(look.depth.rawValue)", style: look.theme.focusBorder,
      glyphs: look.glyphs)
    frame.write("中文 é 🐈 end", at: Point(x: inside.x, y: inside.y), style: look.theme.accent, clippedTo: inside)
    let values = (0..<8 * 4).map { Double($0) }
    let room = Rect(x: inside.x, y: inside.y + 1, width: inside.width, height: inside.height / 3)
    if !room.isEmpty {
      let layout = GridLayout(columns: 8, rows: 4, in: room, look)
      HeatMap(values, layout: layout, range: 0...31).draw(in: room, of: &frame, look)
      GridMarks(layout: layout, cursor: GridPoint(column: 2, row: 1)).draw(in: room, of: &frame, look)
    }
    for (offset, event) in events.reversed().prefix(max(0, inside.height - room.height - 1)).enumerated() {
      let y = inside.maxY - 1 - offset
      frame.write(event, at: Point(x: inside.x, y: y), style: look.theme.text, clippedTo: inside)
    }
    if isLate {
      frame.write(
        "c", at: Point(x: inside.x, y: inside.y), style: Style(Color(hex: 0xFEDCBA), on: Color(hex: 0x123456)))
    }
    if let graphics { drawPicture(graphics, in: inside, of: &frame) }
    return frame
  }

  /// Every cell in colours of its own, others in each of the frames.
  func manyColors(_ size: Size, frame number: Int) -> Frame {
    var frame = Frame(size: size)
    for index in 0..<size.width * size.height {
      let color = UInt32(number * size.width * size.height + index)
      frame.write(
        "▀", at: Point(x: index % size.width, y: index / size.width),
        style: Style(Color(hex: 0x200000 + color), on: Color(hex: 0x400000 + color)))
    }
    return frame
  }

  /// A picture of four by two cells, which walks to the right with every character typed, under a mark.
  private func drawPicture(_ graphics: PixelGraphics, in room: Rect, of frame: inout Frame) {
    guard !isHidden else { return }
    let place = Rect(x: room.maxX - 12, y: room.y, width: 4, height: 2)
    let pixels = (0..<4 * 4).flatMap { index -> [UInt8] in [UInt8(7 * index), 100, 200] }
    frame.drawPicture(
      pixels, width: 4, height: 4, in: place, with: .pixels(graphics, orElse: .best(for: look)))
    frame.write("x", at: Point(x: place.x + events.count % 4, y: place.y), style: look.theme.cursor)
  }
}

let environment = ProcessInfo.processInfo.environment
let arguments = CommandLine.arguments.dropFirst()

func run() throws {
  let request = arguments.first.flatMap(ColorDepth.Request.init(rawValue:)) ?? .auto
  let depth = ColorDepth.detect(
    environment: environment, flag: request, isTerminal: true,
    describedColors: CursesTerminal.describedColors(environment: environment))
  let glyphs = Glyphs.detect(environment: environment, asciiRequested: arguments.contains("--ascii"))
  let graphics = arguments.contains("--graphics") ? PixelGraphics.Request.auto : .symbols
  let terminal = try CursesTerminal(
    .init(
      depth: depth, isUnicode: glyphs.isUnicode, usesMouse: !arguments.contains("--no-mouse"), graphics: graphics,
      encodeSixel: { pixels, width, height in Array("\u{1B}Pq\(width)x\(height) \(pixels[0])\u{1B}\\".utf8) },
      environment: environment)
  )
  var probe = Probe(look: Appearance(glyphs: glyphs, depth: terminal.depth))
  while true {
    terminal.draw(probe.frame(terminal.size, graphics: terminal.graphics))
    guard let event = terminal.nextEvent(timeoutMilliseconds: 20_000) else {
      probe.events.append("woken or timed out")
      continue
    }
    probe.events.append("\(event)")
    switch event {
    case .key(.character("q")): return
    case .key(.character("e")): throw ProbeError()
    case .key(.character("t")): fatalError("a trap, as asked")
    case .key(.character("x")): exit(3)
    case .key(.character("w")):
      Thread.detachNewThread {
        Thread.sleep(forTimeInterval: 0.05)
        CursesTerminal.wake()
      }
    case .key(.control("z")): terminal.suspend()
    case .key(.control("l")): terminal.redraw()
    case .key(.character("c")):
      for number in 0..<40 { terminal.draw(probe.manyColors(terminal.size, frame: number)) }
      probe.isLate = true
    case .key(.character("h")): probe.isHidden.toggle()
    default: continue
    }
  }
}

do {
  try run()
} catch let error as CursesTerminalError {
  FileHandle.standardError.write(Data("curses-probe: \(error)\n".utf8))
  exit(1)
}
