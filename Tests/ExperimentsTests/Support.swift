import Foundation
import TestSupport

/// The path of a file of the benchmarks' fixtures.
func fixture(_ name: String) -> String {
  testsDirectory.appendingPathComponent("EvaluationTests/Fixtures/\(name)").path
}

/// The recorded checkpoint of random weights that the parity tests hold the model to.
let recordedCheckpoint = testsDirectory.appendingPathComponent("HTCVLMTests/Fixtures/parity/star-png").path

let testsDirectory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

/// Runs `body` with a new empty directory that is removed afterwards.
func withTemporaryDirectory<Result>(_ body: (TemporaryFolder) throws -> Result) throws -> Result {
  try body(try TemporaryFolder())
}
