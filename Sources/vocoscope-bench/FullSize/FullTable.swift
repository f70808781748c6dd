import Foundation
import Statistics

/// The limits of the paper's model at full size, and whether a run kept them.
struct FullTable {
  struct Ratio {
    let name: String
    let ours: Double
    let theirs: Double
    let peer: String
    let limit: Double

    var value: Double { ours / theirs }
    var isKept: Bool { value <= limit }
  }

  let ratios: [Ratio]
  private let rounds: PeerRounds

  init(_ rounds: PeerRounds) {
    self.rounds = rounds
    let stages = ["clip", "projector", "mgvq", "anchors", "decoder"]
    func total(_ name: String) -> Double { rounds.sum(stages.map { "\(name).\($0)" }) }
    func ratio(_ name: String, _ ours: String, of theirs: String, _ peer: String, limit: Double) -> Ratio {
      Ratio(name: name, ours: rounds.median(ours), theirs: rounds.median(theirs), peer: peer, limit: limit)
    }
    let torch = total("torch")
    ratios = [
      Ratio(name: "image → voco, exact", ours: total("exact"), theirs: torch, peer: "PyTorch f32", limit: 0.75),
      ratio("decoder, exact", "exact.decoder", of: "llama.F16.decoder", "llama.cpp F16", limit: 0.70),
      ratio("decoder prefill, int8", "int8.decoder", of: "llama.Q8_0.decoder", "llama.cpp Q8_0", limit: 0.30),
      Ratio(name: "image → voco, int8", ours: total("int8"), theirs: torch, peer: "PyTorch f32", limit: 0.35),
      ratio("MGVQ encode", "exact.mgvq", of: "torch.mgvq", "PyTorch f32", limit: 0.45),
      ratio("new question, exact", "exact.ask.voco", of: "exact.ask.none", "its own tokens", limit: 1.1),
      ratio("new question, int8", "int8.ask.voco", of: "int8.ask.none", "its own tokens", limit: 1.1),
      ratio("decode a token, F16", "exact.token", of: "llama.F16.token", "llama.cpp F16", limit: 0.9),
      ratio("decode a token, 8 bits", "int8.token", of: "llama.Q8_0.token", "llama.cpp Q8_0", limit: 0.9),
    ]
  }

  /// Markdown.
  var text: String {
    let number = { (value: Double) in String(format: value < 1 ? "%.3f" : "%.2f", value) }
    var lines = [
      "| what | ours, s | peer, s | peer | ratio | limit | |", "| --- | ---: | ---: | --- | ---: | ---: | --- |",
    ]
    lines += ratios.map { ratio in
      "| \(ratio.name) | \(number(ratio.ours)) | \(number(ratio.theirs)) | \(ratio.peer) | "
        + String(format: "%.3f | %.2f | ", ratio.value, ratio.limit) + (ratio.isKept ? "kept |" : "**missed** |")
    }
    lines += ["", "| stage | exact | int8 | PyTorch f32 |", "| --- | ---: | ---: | ---: |"]
    for stage in ["clip", "projector", "mgvq", "anchors", "layer", "decoder"] {
      let cells = ["exact", "int8", "torch"].map { number(rounds.median("\($0).\(stage)")) }
      lines.append("| \(stage) | \(cells.joined(separator: " | ")) |")
    }
    lines += ["", "All medians and extremes, seconds:", ""]
    for (name, sample) in rounds.samples.sorted(by: { $0.key < $1.key }) {
      lines.append(
        "* `\(name)` \(number(sample.quantile(0.5))) (\(number(sample.quantile(0)))–\(number(sample.quantile(1))), n "
          + "\(sample.values.count))")
    }
    let same = rounds.sameCodes
    lines += ["", "Codes that PyTorch finds too: \(same.same) of \(same.of)."]
    return lines.joined(separator: "\n") + "\n"
  }
}
