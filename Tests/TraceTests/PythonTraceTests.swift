import Foundation
import Tensor
import TestSupport
import Testing
import Trace

/// Traces that `assets/python/vocoscope_trace.py` took of small random models; `Fixtures/python/record.py` records them.
@Suite("Traces recorded in PyTorch")
struct PythonTraceTests {
  private func trace(_ name: String) throws -> Trace {
    try TraceFile.read(path: fixture("python/\(name).safetensors"))
  }

  @Test("transformers' LLaVA: patches, the last prompt token's row, a continuation, and no voco")
  func llava() throws {
    let trace = try trace("llava")
    let sequence = try #require(trace.sequence)
    #expect(trace.model.vocoTokens == 0 && trace.model.anchors == 0 && trace.mgvq == nil)
    #expect(trace.model.patchGrid == 4 && trace.model.patchRows == 4)
    #expect(sequence.spans.map(\.kind) == [.bos, .text, .patches, .text])
    #expect(sequence.positions(of: .patches).count == 16 && trace.vision?.patches.shape == [16, 32])
    let language = try #require(trace.language)
    #expect(language.attentionVoco == language.attentionLast && language.hiddenVoco.shape == [3, 32])
    #expect(
      sequence.mask
        == (0..<sequence.length * sequence.length).map { $0 % sequence.length <= $0 / sequence.length ? 1 : 0 })
    #expect(trace.generation?.tokenIDs.isEmpty == false && trace.model.imageMean.count == 3)
  }

  @Test("transformers' Qwen2-VL: a grid that is no square, and its picture put together from patches")
  func qwen2VL() throws {
    let trace = try trace("qwen2-vl")
    #expect(trace.model.patchRows == 3 && trace.model.patchGrid == 4)
    #expect(trace.vision?.pixelValues.shape == [3, 24, 32])
    #expect(trace.sequence?.positions(of: .patches).count == 12 && trace.generation == nil)
  }

  @Test("Research code with a span table: anchors, voco and the star mask that the pass attended by")
  func htc() throws {
    let trace = try trace("htc")
    let sequence = try #require(trace.sequence)
    #expect(trace.model.vocoTokens == 1 && trace.model.visualMask == .star && trace.anchors?.shape == [2, 32])
    #expect(sequence.spans.map(\.kind) == [.bos, .anchors, .patches, .voco, .text])
    #expect(
      !sequence.allows(row: 5, column: 4) && sequence.allows(row: 12, column: 4) && !sequence.allows(row: 13, column: 4)
    )
    #expect(trace.language?.attentionVoco != trace.language?.attentionLast)
  }

  /// A Python with what the recorder's trial needs; nil on a bare machine.
  private static let python = interpreter("torch, transformers, safetensors, PIL")
  private static let notebookPython = interpreter("numpy, safetensors")

  private static func interpreter(_ modules: String) -> String? {
    ["python3", ProcessInfo.processInfo.environment["PYTHON"] ?? "python"].first { name in
      (try? run(name, ["-c", "import \(modules)"])) == 0
    }
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test(
    "The recorder agrees with the models' own passes",
    .enabled(if: PythonTraceTests.python != nil, "no Python with torch and transformers"))
  func recorder() throws {
    let script = fixture("python/record.py")
    #expect(try Self.run(try #require(Self.python), [script, "--check"]) == 0)
  }

  @Test(
    "The notebook module reads traces and reports, and its rows of attention still sum to one",
    .enabled(if: PythonTraceTests.notebookPython != nil, "no Python with NumPy and safetensors"))
  func notebook() throws {
    #expect(try Self.run(try #require(Self.notebookPython), [fixture("python/notebook.py")]) == 0)
  }
}
