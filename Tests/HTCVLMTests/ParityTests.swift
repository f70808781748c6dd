import Foundation
import HTCVLM
import Safetensors
import Tensor
import TestSupport
import Testing
import Trace

/// Every tensor of the trace file against the reference implementation's.
@Suite("Parity with the reference implementation")
struct ParityTests {
  private func run(_ parity: ParityCase) throws -> (Trace, [String: StoredTensor]) {
    (try parity.pipeline().trace(try parity.picture(), try parity.request()), try parity.expected().tensors)
  }

  private func check(_ actual: Tensor?, _ name: String, _ expected: [String: StoredTensor]) throws {
    expectClose(try #require(actual, "\(name)"), try #require(expected[name], "\(name)").float32(), name)
  }

  @Test("Pixels, features and patches agree", arguments: ParityCase.all)
  func vision(_ parity: ParityCase) throws {
    let (trace, expected) = try run(parity)
    try check(trace.vision?.pixelValues, "vision.pixel_values", expected)
    try check(trace.vision?.features, "vision.features", expected)
    try check(trace.vision?.patches, "patches", expected)
  }

  @Test("Codes are equal; latents, code vectors, reconstruction and anchors agree", arguments: ParityCase.all)
  func quantizer(_ parity: ParityCase) throws {
    let (trace, expected) = try run(parity)
    try check(trace.mgvq?.pixelValues, "mgvq.pixel_values", expected)
    try check(trace.mgvq?.latent, "mgvq.latent", expected)
    try check(trace.mgvq?.quantized, "mgvq.quantized", expected)
    try check(trace.mgvq?.reconstruction, "mgvq.reconstruction", expected)
    try check(trace.anchors, "anchors", expected)
    let codes = try #require(expected["mgvq.codes"])
    #expect(trace.mgvq?.codes.indices == codes.int32())
    let grid = try #require(trace.mgvq?.codes)
    #expect([grid.groups, grid.height, grid.width] == codes.shape)
  }

  @Test("Token ids and mask are equal, embeddings agree", arguments: ParityCase.all)
  func sequence(_ parity: ParityCase) throws {
    let (trace, expected) = try run(parity)
    let sequence = try #require(trace.sequence)
    #expect(sequence.tokenIDs == expected["sequence.token_ids"]?.int32())
    let mask = try #require(expected["mask"]).withUnsafeBytes { Array($0) }
    #expect(sequence.mask == mask)
    try check(sequence.embeddings, "sequence.embeddings", expected)
  }

  @Test("Attention, hidden states and logits agree", arguments: ParityCase.all)
  func language(_ parity: ParityCase) throws {
    let (trace, expected) = try run(parity)
    try check(trace.language?.attentionVoco, "attention.voco", expected)
    try check(trace.language?.attentionLast, "attention.last", expected)
    try check(trace.language?.hiddenVoco, "hidden.voco", expected)
    try check(trace.language?.logits, "logits", expected)
  }

  @Test("The continuation is the same, token by token and as text", arguments: ParityCase.all)
  func generation(_ parity: ParityCase) throws {
    let (trace, expected) = try run(parity)
    #expect(trace.generation?.tokenIDs == expected["generated.token_ids"]?.int32())
    #expect(trace.generation?.text == (try parity.text("answer.txt")))
  }
}
