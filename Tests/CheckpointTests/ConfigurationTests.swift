import Checkpoint
import Testing

/// A file of this test target's `Fixtures`.
func fixture(_ name: String, in file: String = #filePath) -> String {
  file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/Fixtures/" + name
}

@Suite("Configuration files") struct ConfigurationTests {
  @Test("A configuration of HF, LLaVA and HTC keys is read whole")
  func complete() throws {
    let c = try HTCVLMConfiguration(path: fixture("sharded-f16-hwc/config.json"))
    #expect(c.hiddenSize == 64 && c.layers == 3 && c.heads == 4 && c.keyValueHeads == 4 && c.headDim == 16)
    #expect(c.ropeTheta == 500_000 && c.vocabularySize == 421 && c.vocoTokenID == 420 && c.vocoTokens == 2)
    #expect(c.anchorFlatten == .hwc && c.visualMask == .star && c.imageAspectRatio == .square)
    #expect(c.sequence == [.bos, .patches, .anchors, .newline, .voco, .text])
    #expect(c.visionBlocks == 2 && c.vision.grid == 6 && c.vision.hiddenActivation == .gelu)
    #expect(c.mgvq.latentSize == 4 && c.mgvq.codesPerGroup == 128 && c.mgvq.decoder[0].norm == .batchNorm2D)
  }
}
