import Foundation
import Plots
import Statistics

/// Time and memory against visual tokens, decoder layers and threads.
struct Growth {
  private struct Row {
    let report: ShapeReport
    let name: String

    /// The median of the runs.
    func median(_ value: (RunTimes) -> Double) -> Double {
      var sample = Sample()
      for time in report.times { sample.add(value(time)) }
      return sample.quantile(0.5)
    }

    /// The decoder with 32 layers like these.
    var decoder: Double { median { $0.decoder(layers: PeerRounds.layers) } }
    var measured: Double { median { $0.decoder } }
    var gibibytes: Double { Double(report.peakAnonymous) / Double(1 << 30) }
    var visual: Int { report.shape.grid * report.shape.grid }
  }

  private let tokens: [Row]
  private let layers: [Row]
  private let threads: [Row]

  static let grids = [12, 24, 36, 48]

  init(_ runner: ShapeRunner) throws {
    tokens = try ["star", "causal"].flatMap { mask in
      try Self.grids.map { grid in
        Row(report: try runner.report(layers: 2, grid: grid, mask: mask, runs: 3), name: mask)
      }
    }
    layers = try [1, 2, 4, 8].map { Row(report: try runner.report(layers: $0, runs: 3), name: "star") }
    threads = try [1, 2].map { Row(report: try runner.report(layers: 2, threads: $0, runs: 3), name: "star") }
  }

  private func number(_ value: Double) -> String { String(format: "%.2f", value) }

  var text: String {
    var lines = [
      "", "## Growth", "",
      "Decoder up to voco; seconds with 32 layers are those of two layers carried on, memory is the largest resident set "
        + "of the two-layer run without pages of files. Medians of three.", "",
      "| visual tokens | mask | a layer, s | 32 layers, s | tower, s | memory, GiB |",
      "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += tokens.map { row in
      "| \(row.visual) | \(row.name) | \(number(row.median { $0.context.first ?? 0 })) | \(number(row.decoder)) | "
        + "\(number(row.median(\.clip))) | \(number(row.gibibytes)) |"
    }
    lines += ["", "| decoder layers | decoder, s | memory, GiB |", "| ---: | ---: | ---: |"]
    lines += layers.map {
      "| \($0.report.shape.layers) | \(number($0.measured)) | \(number($0.gibibytes)) |"
    }
    lines += [
      "", "| threads | MGVQ, s | tower, s | a layer, s | a token of two layers, s |",
      "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += threads.map { row in
      "| \(row.report.threads) | \(number(row.median(\.mgvq))) | \(number(row.median(\.clip))) | "
        + "\(number(row.median { $0.context.first ?? 0 })) | \(String(format: "%.3f", row.median(\.token))) |"
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Three panels: time and memory against visual tokens, and time against layers and threads.
  var figure: Figure {
    func series(_ mask: String, _ index: Int, _ value: (Row) -> Double) -> DataSeries {
      DataSeries(
        mask, color: .series(index),
        points: tokens.filter { $0.name == mask }.map { DataPoint(Double($0.visual), value($0)) })
    }
    func chart(_ title: String, _ unit: String, _ value: (Row) -> Double) -> Chart {
      let both = [series("star", 0, value), series("causal", 1, value)]
      return Chart(
        title: title, x: ChartAxis("visual tokens"), y: ChartAxis(unit),
        marks: both.flatMap { [.line($0), .points($0, radius: 3)] })
    }
    let deep = DataSeries(
      "2 threads", color: .series(0), points: layers.map { DataPoint(Double($0.report.shape.layers), $0.measured) })
    let alone = DataSeries(
      "by threads, 2 layers", color: .series(1),
      points: threads.map { DataPoint(Double($0.report.threads), $0.measured) })
    return Figure(
      title: "The decoder up to voco, Llama-7B's shape, exact", columns: 2,
      panels: [
        chart("Time of 32 layers", "seconds", \.decoder), chart("Memory without pages of files", "GiB", \.gibibytes),
        Chart(
          title: "Time by layers", x: ChartAxis("decoder layers"), y: ChartAxis("seconds"),
          marks: [.line(deep), .points(deep, radius: 3)]),
        Chart(
          title: "Time of two layers by threads", x: ChartAxis("threads"), y: ChartAxis("seconds"),
          marks: [.line(alone), .points(alone, radius: 3)]),
      ], notes: ["Random weights; medians of three runs; 32 layers are two carried on."])
  }
}
