import Foundation
import Safetensors
import Tensor
import TestSupport
import Testing

@Suite("Full-size benchmark")
struct FullSizeTests {

  /// Writes tiny random weights.
  private func weights(_ out: String, layers: Int, seed: Int = 0) throws -> Program.Result {
    try Program.run(
      [
        "weights", out, "--scale", "tiny", "--layers", "\(layers)", "--seed", "\(seed)", "--tokenizer",
        ParityCase.directory + "/tokenizer.model",
      ], product: "vocoscope-bench")
  }

  @Test(
    "Random weights make a checkpoint that runs, says that it is random, and holds the same layers whatever their number"
  )
  func generator() throws {
    let folder = try TemporaryFolder()
    let (two, three, other) = (folder.path("two"), folder.path("three"), folder.path("other"))
    #expect(try weights(two, layers: 2).status == 0)
    #expect(try weights(three, layers: 3).status == 0)
    #expect(try weights(other, layers: 2, seed: 1).status == 0)
    let check = try Program.run(["check", two])
    #expect(check.status == 0 && check.output.contains("untrained everything: random weights"), "\(check.errors)")
    #expect(check.output.contains("memory   exact:") && check.output.contains("memory   int8:"))

    let file = { (path: String) in try SafetensorsFile(path: "\(path)/model.safetensors") }
    #expect(try file(two).metadata["vocoscope.weights"]?.hasPrefix("random, seed 0") == true)
    let (first, second) = (try file(two).tensors, try file(three).tensors)
    #expect(second.keys.contains("model.layers.2.mlp.up_proj.weight"))
    for (name, tensor) in first {
      #expect(tensor.dtype == .f16 && second[name]?.float32() == tensor.float32(), "\(name)")
    }
    let name = "model.layers.0.self_attn.q_proj.weight"
    let matrix = try #require(first[name]).float32()
    #expect(try matrix != file(other).tensors[name]?.float32())
    // Uniform with a variance of one over the inputs.
    let variance = matrix.values.reduce(0) { $0 + Double($1) * Double($1) } / Double(matrix.count)
    #expect(abs(variance * Double(matrix.shape[1]) - 1) < 0.1)
    #expect(first["model.norm.weight"]?.float32().values.allSatisfy { $0 == 1 } == true)

    let report = try Program.run(["report", ParityCase.image, "--model", two, "--max-new-tokens", "2"])
    #expect(report.status == 0 && report.output.contains("random weights"), "\(report.errors)")
  }

  @Test("One shape's run prints its times, its memory and how soon it stops")
  func shape() throws {
    let folder = try TemporaryFolder()
    let model = folder.path("model")
    #expect(try weights(model, layers: 2).status == 0)
    let result = try Program.run(
      [
        "shape", model, "--image", ParityCase.image, "--grid", "6", "--mask", "causal", "--layers", "1", "--precision",
        "int8", "--cancellations", "2",
      ], product: "vocoscope-bench")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result.errors)")
    let shape = try #require(report["shape"] as? [String: Any])
    #expect(shape["grid"] as? Int == 6 && shape["mask"] as? String == "causal" && shape["layers"] as? Int == 1)
    #expect((report["times"] as? [[String: Any]])?.first?["context"] is [Double])
    #expect((report["cancellations"] as? [Double])?.count == 2)
    #expect((report["peak"] as? Int ?? 0) > (report["peakAnonymous"] as? Int ?? .max) / 2)
  }

  @Test("Products print their speed, and half-precision sums their error, which grows with the terms before a widening")
  func products() throws {
    let result = try Program.run(
      ["products", "--rows", "40", "--inputs", "64", "--outputs", "48", "--runs", "1"], product: "vocoscope-bench")
    #expect(result.status == 0 && result.output.contains("int8"), "\(result.errors)")
    let errors = result.output.split(separator: "\n").filter { $0.contains(": off by ") }.compactMap { line in
      line.split(separator: " ").dropFirst(3).first.flatMap { Double($0) }
    }
    #expect(errors.count == 7 && errors.allSatisfy { $0 > 0 && $0 < 1e-2 })
    #expect((errors.last ?? 0) > (errors.first ?? 1))
    #expect(try Program.run(["products", "--inputs", "20"], product: "vocoscope-bench").status != 0)
  }

  @Test("Growth is a table of every shape and a figure")
  func growth() throws {
    let folder = try TemporaryFolder()
    let (model, out) = (folder.path("model"), folder.path("out"))
    #expect(try weights(model, layers: 8).status == 0)
    let result = try Program.run(
      ["full", model, "--image", ParityCase.image, "--out", out, "--no-compare", "--no-record", "--largest", "48"],
      product: "vocoscope-bench")
    #expect(result.status == 0, "\(result.errors)")
    let text = try String(contentsOfFile: "\(out)/full-size.md", encoding: .utf8)
    for tokens in [144, 576, 1296, 2304] {
      for mask in ["star", "causal"] { #expect(text.contains("| \(tokens) | \(mask) |")) }
    }
    #expect(text.contains("| 8 |") && !text.contains("| 5184 |"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(out)/shapes").count == 13)
    let figure = try Data(contentsOf: URL(fileURLWithPath: "\(out)/full-size-growth.png"))
    #expect(figure.count > 10_000 && figure.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
  }
}
