import HTCVLM
import Testing
import Trace

@Suite("Sequence and mask")
struct SequenceLayoutTests {
  private func layout(
    _ order: [SegmentKind], _ mask: VisualMask, newline: Int32? = 13, vocos: Int = 1
  ) throws -> SequenceLayout {
    try SequenceLayout(
      order: order,
      parts: SequenceLayout.Parts(
        bos: 1, newline: newline, voco: 99, vocoTokens: vocos, anchors: 2, patches: 2, text: [7, 8]),
      visualMask: mask)
  }

  private func rows(_ layout: SequenceLayout) -> [String] {
    (0..<layout.length).map { row in
      layout.mask[row * layout.length..<(row + 1) * layout.length].map(String.init).joined()
    }
  }

  @Test("Star: visual tokens see earlier text and themselves, voco sees all, text sees voco and text")
  func star() throws {
    let layout = try layout([.bos, .anchors, .patches, .voco, .text], .star)
    #expect(layout.tokenIDs == [1, -2, -2, -1, -1, 99, 7, 8])
    #expect(
      rows(layout) == [
        "10000000",
        "11000000",
        "10100000",
        "10010000",
        "10001000",
        "11111100",
        "00000110",
        "00000111",
      ])
  }

  @Test("Causal: everything up to voco sees everything before it")
  func causal() throws {
    let layout = try layout([.bos, .patches, .newline, .voco, .newline, .text], .causal)
    #expect(layout.tokenIDs == [1, -1, -1, 13, 99, 13, 7, 8])
    #expect(
      rows(layout) == [
        "10000000",
        "11000000",
        "11100000",
        "11110000",
        "11111000",
        "00001100",
        "00001110",
        "00001111",
      ])
  }

  @Test("Star: text between and before visual segments sees no visual key, later visual tokens see it")
  func newlineBetween() throws {
    let layout = try layout([.patches, .newline, .anchors, .bos, .voco, .text], .star)
    #expect(
      rows(layout) == [
        "100000000",
        "010000000",
        "001000000",
        "001100000",
        "001010000",
        "001001000",
        "111111100",
        "000000110",
        "000000111",
      ])
  }

  @Test("Text sees every voco token, and each voco token those before it")
  func severalVocos() throws {
    let layout = try layout([.patches, .voco, .text], .star, vocos: 3)
    #expect(
      rows(layout) == [
        "1000000",
        "0100000",
        "1110000",
        "1111000",
        "1111100",
        "0011110",
        "0011111",
      ])
    #expect(layout.compressed == [2, 3, 4])
  }

  @Test("Visual tokens after voco see the text before them and are seen by no text")
  func visualAfterVoco() throws {
    let layout = try layout([.bos, .patches, .voco, .anchors, .newline, .text], .star)
    #expect(
      rows(layout) == [
        "100000000",
        "110000000",
        "101000000",
        "111100000",
        "100110000",
        "100101000",
        "000100100",
        "000100110",
        "000100111",
      ])
    #expect(layout.textRows == [6, 7, 8])
  }

  @Test("Spans cover the sequence in order")
  func spans() throws {
    let layout = try layout([.bos, .anchors, .patches, .voco, .newline, .text], .star)
    #expect(layout.spans.map(\.kind) == [.bos, .anchors, .patches, .voco, .newline, .text])
    #expect(layout.spans.map(\.start) == [0, 1, 3, 5, 6, 7])
    #expect(layout.length == 9)
    #expect(layout.positions(of: .patches) == [3, 4])
    #expect(layout.promptStart == 7)
  }

  @Test(
    "An order that cannot be answered is refused by the key's name",
    arguments: [
      [SegmentKind.voco, .text, .patches], [.patches, .text], [.patches, .patches, .voco, .text], [.voco],
      [.text, .voco, .text],
    ])
  func refused(_ order: [SegmentKind]) throws {
    let error = #expect(throws: ModelError.self) { try layout(order, .star) }
    #expect(error?.description.contains("config.json: sequence is") == true)
  }

  @Test("A newline that the tokenizer has no piece for is refused")
  func noNewline() throws {
    let error = #expect(throws: ModelError.self) { try layout([.newline, .voco, .text], .star, newline: nil) }
    #expect(error?.description.contains("<0x0A>") == true)
  }
}
