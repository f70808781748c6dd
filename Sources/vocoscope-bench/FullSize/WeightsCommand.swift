import ArgumentParser
import Foundation

extension RandomCheckpoint.Scale: ExpressibleByArgument {}

/// Writes random weights of the paper's shape, for the other measurements.
struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights", abstract: "Write a checkpoint directory of random weights in the paper's shape.")

  @Argument(help: "The directory to make.")
  var out: String

  @Option(help: "Decoder layers; a file of 32 also serves to measure fewer.")
  var layers = 32

  @Option(help: "full: the paper's model, 13 GiB with 32 layers; tiny: the same parts, a few hundred kilobytes.")
  var scale = RandomCheckpoint.Scale.full

  @Option(help: "Seed of the weights.")
  var seed: UInt64 = 0

  @Option(help: "A SentencePiece file to go with them; its pieces must be fewer than the vocabulary.")
  var tokenizer = "assets/models/htc-demo/tokenizer.model"

  mutating func validate() throws {
    guard (1...80).contains(layers) else { throw ValidationError("--layers is \(layers), expected 1 to 80") }
  }

  func run() throws {
    let checkpoint = try RandomCheckpoint(scale, layers: layers, seed: seed)
    var shown = -1
    try checkpoint.write(to: out, tokenizer: tokenizer) { done, total in
      let percent = done * 100 / total
      guard percent > shown else { return }
      shown = percent
      FileHandle.standardError.write(Data("\r\(percent) % of \(total >> 20) MiB".utf8))
    }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    print("\(out): \(layers) decoder layers of random weights, seed \(seed)")
  }
}
