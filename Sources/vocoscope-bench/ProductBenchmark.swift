import ArgumentParser
import Foundation
import Statistics
import Tensor

/// A decoder layer's product in each precision, beside what the processor could do at most, and what half-precision sums
/// would cost in accuracy.
struct ProductBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "products",
    abstract: "GFLOP/s of a layer's product, of OpenBLAS and of multiply-adds alone; errors of half-precision sums.")

  @Option(help: "Rows of the activations.")
  var rows = 582

  @Option(help: "Elements of a row, a multiple of 16.")
  var inputs = 4096

  @Option(help: "Outputs.")
  var outputs = 4096

  @Option(help: "Threads.")
  var threads = 2

  @Option(help: "Rounds to take medians of; everything takes a turn in each.")
  var runs = 7

  func validate() throws {
    guard [rows, inputs, outputs, threads, runs].allSatisfy({ $0 > 0 }), inputs % 16 == 0 else {
      throw ValidationError("sizes are positive, --inputs a multiple of 16")
    }
  }

  func run() throws {
    ComputeBackend.setThreads(threads)
    var halves = RandomHalves("weight", shape: [outputs, inputs], seed: 0)
    let bits = halves.next(outputs * inputs)
    let weight = StoredTensor(
      name: "weight", dtype: .f16, shape: [outputs, inputs], raw: bits.withUnsafeBytes(Array.init))
    let (integers, scales) = QuantizedMatrix.quantize(weight, rows: 0..<outputs)
    let rounded = QuantizedMatrix(
      integers: StoredTensor(name: "weight", shape: [outputs, inputs], bytes: integers),
      scales: Tensor(shape: [outputs], values: scales))
    var generator = SplitMix64(seed: 0, stream: "bench products")
    let x = Tensor(shape: [rows, inputs], values: (0..<rows * inputs).map { _ in Self.normal(&generator) })
    let floats = weight.float32()
    let (exact, int8) = (Linear(weight: weight), Linear(weight: rounded))
    // As many multiply-adds as the product takes, a thread's share on each.
    let share = rows * inputs * outputs / threads
    measure([
      ("multiply-adds alone", { ComputeBackend.multiplyAdds(share) }),
      ("OpenBLAS, 32-bit weights", { matmul(x, floats, transposeB: true).count > 0 }),
      ("exact, 16-bit weights", { exact(x).count > 0 }), ("int8", { int8(x).count > 0 }),
    ])
    halfSums(x, weight)
  }

  private func measure(_ turns: [(name: String, run: () -> Bool)]) {
    print("[\(rows), \(inputs)] × [\(inputs), \(outputs)], \(threads) threads, OpenBLAS \(ComputeBackend.openBLASCore)")
    var samples = [Sample](repeating: Sample(), count: turns.count)
    for round in -1..<runs {
      for (index, turn) in turns.enumerated() {
        let start = ContinuousClock.now
        let isDone = turn.run()
        if round >= 0, isDone { samples[index].add((ContinuousClock.now - start).seconds) }
      }
    }
    let operations = 2 * Double(rows) * Double(inputs) * Double(outputs)
    for (turn, sample) in zip(turns, samples) where !sample.values.isEmpty {
      let speed = { (p: Double) in Format.fixed(operations / sample.quantile(p) / 1e9, digits: 0) }
      print(sample.milliseconds(turn.name) + ": \(speed(0.5)) GFLOP/s (\(speed(1))–\(speed(0)))")
    }
  }

  /// A standard normal number, by Box and Muller.
  private static func normal(_ generator: inout SplitMix64) -> Float {
    let (a, b) = (1 - generator.unit(), generator.unit())
    return Float((-2 * log(a)).squareRoot() * cos(2 * Double.pi * b))
  }

  /// What a product is off by when activations are rounded to half precision and every `terms` products add up in it before
  /// they are widened: AVX512-FP16's arithmetic, step by step, on any processor.
  ///
  /// The gain is counted, not measured: a register of 32 half-precision sums takes `terms` multiply-adds, then five
  /// instructions on the same ports (one moves the upper half down, two widen, two add); in single precision the same
  /// products are 2 · `terms` multiply-adds.
  private func halfSums(_ x: Tensor, _ weight: StoredTensor) {
    print("half-precision products, sums widened every so many terms:")
    let floats = weight.float32()
    let dots = min(rows, outputs, 256)
    for terms in [1, 2, 4, 8, 16, 32, 64] where inputs % terms == 0 {
      var (squares, all, worst, largest) = (0.0, 0.0, 0.0, 0.0)
      for dot in 0..<dots {
        var (exact, sum) = (0.0, Float(0))
        for start in stride(from: dot * inputs, to: (dot + 1) * inputs, by: terms) {
          var partial = Float16(0)
          for index in start..<start + terms {
            exact += Double(x.values[index]) * Double(floats.values[index])
            partial.addProduct(Float16(x.values[index]), Float16(floats.values[index]))
          }
          sum += Float(partial)
        }
        let error = abs(Double(sum) - exact)
        (squares, all) = (squares + error * error, all + exact * exact)
        (worst, largest) = (max(worst, error), max(largest, abs(exact)))
      }
      let scientific = { (value: Double) in String(format: "%.1e", value) }
      print(
        "  \(terms): off by \(scientific((squares / all).squareRoot())) (root of mean squares), at most "
          + "\(scientific(worst / largest)) of the largest; at best ×"
          + Format.fixed(2 * Double(terms) / Double(terms + 5), digits: 2) + " of single precision")
    }
  }
}
