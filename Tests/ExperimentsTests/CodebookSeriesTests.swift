import Evidence
import Experiments
import Foundation
import HTCVLM
import Plots
import Safetensors
import Statistics
import Tensor
import TestSupport
import Testing

/// A training run of a bare quantizer whose codes die: four checkpoints of two codebooks with their moving counts.
private struct Run {
  static let (layers, codes, dimension) = (2, 32, 4)
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    var generator = SplitMix64(seed: 5)
    var tables = (0..<Self.layers).map { _ in
      (0..<Self.codes * Self.dimension).map { _ in Float(generator.unit() * 2 - 1) }
    }
    for (step, dead) in [(9, 0), (10, 4), (100, 8), (200, 24)] {
      var tensors: [String: Tensor] = [:]
      for layer in 0..<Self.layers {
        if step > 10 { for index in tables[layer].indices { tables[layer][index] += Float(generator.unit() - 0.5) } }
        let name = "vq.layers.\(layer)._codebook"
        tensors["\(name).embed"] = Tensor(shape: [1, Self.codes, Self.dimension], values: tables[layer])
        tensors["\(name).cluster_size"] = Tensor(
          shape: [1, Self.codes], values: (0..<Self.codes).map { $0 < dead ? 0 : 100 })
      }
      try SafetensorsWriter.write(
        tensors.map { SafetensorsEntry($0.key, $0.value) }, metadata: [:],
        to: folder.path("step-\(step).safetensors"))
    }
    _ = try folder.write("none", as: "optimizer.pt")
    _ = try folder.write("none", as: "notes.txt")
  }
}

@Suite("A codebook over a training run")
struct CodebookSeriesTests {
  @Test("Checkpoints stand in the order of their numbers; dead codes, perplexity and movement are those put in")
  func buffers() throws {
    let run = try Run()
    let series = try CodebookSeries(directory: run.folder.root, CodebookSeries.Settings())
    #expect(series.steps.map(\.name) == [9, 10, 100, 200].map { "step-\($0).safetensors" })
    #expect(series.passedOver.map(\.name) == ["optimizer.pt"])
    #expect(series.steps.map(\.dead) == [0, 8, 16, 48] && series.steps.allSatisfy { $0.usage == .buffers })
    for (step, used) in zip(series.steps, [32.0, 28, 24, 8]) { #expect(close(step.mean(\.perplexity), used)) }
    #expect(series.steps[0].mean(\.moved) == nil && close(series.steps[1].mean(\.moved), 0, 1e-6))
    #expect(try #require(series.steps[2].mean(\.moved)) > 0.01)
    #expect(series.steps.allSatisfy { $0.anchors == nil })
    let table = series.text
    #expect(table.contains("48 of 64") && table.contains("passed over optimizer.pt"), "\(table)")
    #expect(series.csv.contains("step-100.safetensors,1,dead,8\n"))
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(series)) as? [String: Any]
    #expect((json?["steps"] as? [[String: Any]])?.count == 4)
  }

  @Test("Over pictures codes are counted, anchors are compared, and a warning has the checkpoints that it stands in")
  func pictures() throws {
    let folder = try TemporaryFolder()
    for step in ["checkpoint-1", "checkpoint-2"] {
      try FileManager.default.copyItem(atPath: recordedCheckpoint, toPath: folder.path(step))
    }
    let weights = folder.path("checkpoint-2/model.safetensors")
    var tensors = try SafetensorsFile(path: weights).tensors.mapValues { $0.float32() }
    // All codes of the first group are one.
    let name = "model.mgvq.quantize.embedding.weight"
    let table = try #require(tensors[name])
    let groups = 8
    let (rows, width) = (table.shape[0] / groups, table.shape[1])
    var values = table.values
    for row in 0..<rows { values.replaceSubrange(row * width..<(row + 1) * width, with: table.values[0..<width]) }
    tensors[name] = Tensor(shape: table.shape, values: values)
    try SafetensorsWriter.write(tensors.map { SafetensorsEntry($0.key, $0.value) }, metadata: [:], to: weights)

    let settings = CodebookSeries.Settings(pictures: [recordedCheckpoint + "/image.png"])
    let series = try CodebookSeries(directory: folder.root, settings)
    #expect(series.pictures == 1 && series.steps.map(\.usage) == [.pictures, .pictures])
    let (before, after) = (series.steps[0], series.steps[1])
    #expect(
      after.groups[0].dead == rows - 1 && close(after.groups[0].perplexity, 1) && after.groups[0].nearDuplicates == rows
    )
    #expect(try #require(before.groups[0].perplexity) > 1 && close(after.groups[1].moved, 0, 1e-6))
    #expect(try #require(after.groups[0].moved) > 0.1)
    #expect(before.anchors?.source == .pictures && before.anchors?.alike != after.anchors?.alike)
    #expect(
      series.changes.contains("near_duplicates: from checkpoint-2 on, in 1 of 2 checkpoints"), "\(series.changes)")
    let alone = try CodebookSeries(directory: folder.root, CodebookSeries.Settings())
    #expect(alone.steps.allSatisfy { $0.usage == .none && $0.dead == nil && $0.anchors?.source == .randomCodes })
  }

  @Test("A projector that goes flat between two checkpoints is seen in the table, the rows and the figure")
  func health() throws {
    let folder = try TemporaryFolder()
    for step in ["checkpoint-1", "checkpoint-2"] {
      try FileManager.default.copyItem(atPath: recordedCheckpoint, toPath: folder.path(step))
    }
    let weights = folder.path("checkpoint-2/model.safetensors")
    var tensors = try SafetensorsFile(path: weights).tensors.mapValues { $0.float32() }
    let name = "model.anchor_projector.fc2.bias"
    let bias = try #require(tensors[name])
    tensors[name] = Tensor(shape: bias.shape, values: bias.values.map { _ in -100 })
    try SafetensorsWriter.write(tensors.map { SafetensorsEntry($0.key, $0.value) }, metadata: [:], to: weights)

    let series = try CodebookSeries(
      directory: folder.root, CodebookSeries.Settings(pictures: [recordedCheckpoint + "/image.png"]))
    let health = try series.steps.map { try #require($0.anchors?.health) }
    #expect(health.map(\.pictures) == [1, 1] && health.map(\.saturated.count) == [2, 2])
    #expect(health[0].saturated[0] == health[1].saturated[0] && health[0].saturated[1] < 0.9)
    #expect(health[1].saturated[1] == 1 && health.map(\.isCollapsed) == [false, true])
    #expect(health[0].norms.mean > 1e-3 && health[1].norms.mean < 1e-3)
    #expect(
      series.changes.contains("projector_collapsed: from checkpoint-2 on, in 1 of 2 checkpoints"), "\(series.changes)")
    let rows = series.csv
    #expect(rows.contains("checkpoint-2,,projector_saturated_2,1.0\n"), "\(rows)")
    #expect(rows.contains("checkpoint-1,,projector_collapsed,false\n"))
    #expect(series.text.contains("directions") && series.text.contains("100.0%"), "\(series.text)")
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(series)) as? [String: Any]
    let anchors = (json?["steps"] as? [[String: Any]])?.last?["anchors"] as? [String: Any]
    #expect((anchors?["health"] as? [String: Any])?["collapsed"] as? Bool == true)
    let charts = CodebookSeriesFigure(series, version: "test").figure.panels.compactMap { ($0 as? Chart)?.title }
    #expect(
      charts.contains("length of the anchors") && charts.contains("where the projector's GELU is flat"), "\(charts)")
    // Eight draws of random codes are enough for a rank.
    let alone = try CodebookSeries(directory: folder.root, CodebookSeries.Settings())
    #expect(alone.steps[0].anchors?.health.rank != nil)
  }

  @Test("A directory that is one checkpoint, and one without codebooks, are refused with a sentence")
  func refusals() throws {
    func sentence(_ path: String) -> String {
      do {
        _ = try CodebookSeries(directory: path, CodebookSeries.Settings())
        return ""
      } catch { return "\(error)" }
    }
    #expect(sentence(recordedCheckpoint).contains("is one checkpoint"))
    let folder = try TemporaryFolder()
    _ = try folder.write("none", as: "a.pt")
    #expect(
      sentence(folder.root).contains("holds no codebook") && sentence(folder.path("a.pt")).contains("is no directory"))
  }
}
