import ColorMaps
import TerminalUI
import Testing

@Suite("Frames as ANSI")
struct FrameANSITests {
  private var frame: Frame {
    var frame = Frame(size: Size(width: 4, height: 2))
    frame[0, 0] = Cell("a", Style(Color(hex: 0xFF0000), on: Color(hex: 0x000000), .bold))
    frame[1, 0] = Cell("b", Style(Color(hex: 0xFF0000), on: Color(hex: 0x000000), .bold))
    frame[2, 0] = Cell("界")
    frame[3, 0] = .continuation
    return frame
  }

  @Test("Runs of one style share one sequence, rows end reset, and wide characters take their two columns once")
  func trueColor() {
    #expect(frame.ansi(.trueColor) == "\u{1B}[0;1;38;2;255;0;0;48;2;0;0;0mab\u{1B}[0m界\n    \n")
  }

  @Test("Colours are reduced to what the depth has; without colours attributes stay")
  func depths() {
    #expect(frame.ansi(.palette256).hasPrefix("\u{1B}[0;1;38;5;196;48;5;16mab"))
    #expect(frame.ansi(.ansi16).hasPrefix("\u{1B}[0;1;91;40mab"))
    #expect(frame.ansi(.mono).hasPrefix("\u{1B}[0;1mab"))
  }

  @Test("Without its sequences it is the frame's text")
  func text() {
    for depth in ColorDepth.allCases {
      let plain = frame.ansi(depth).replacing(/\u{1B}\[[0-9;]*m/, with: "")
      #expect(plain == "ab界\n    \n")
    }
  }
}
