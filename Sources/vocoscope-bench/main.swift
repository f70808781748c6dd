import ArgumentParser
import Foundation
import Tensor

/// Measurements on a checkpoint and a picture; what it prints is the only source of figures about speed.
struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vocoscope-bench", abstract: "Measure the program on a checkpoint and a picture.",
    subcommands: [
      PipelineBenchmark.self, QuestionBenchmark.self, InspectorBenchmark.self, EvidenceBenchmark.self,
      ProductBenchmark.self, WeightsCommand.self, ShapeCommand.self, FullCommand.self,
    ])
}

// As in the program itself: OpenBLAS reads this while it is loaded and at no other time.
if let core = ComputeBackend.coreOverrideNeeded() {
  setenv("OPENBLAS_CORETYPE", core, 1)
  execv("/proc/self/exe", CommandLine.arguments.map { strdup($0) } + [nil])
}
ComputeBackend.keepFreedMemory()
Benchmark.main()
