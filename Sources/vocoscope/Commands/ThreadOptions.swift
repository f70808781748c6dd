import ArgumentParser
import Foundation
import Tensor

/// How many threads compute; shared by the commands that go over many pictures.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to compute with. Without it, one a processor.")
  var threads: Int?

  mutating func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads), expected 1 to 1024")
    }
  }

  func apply() { ComputeBackend.setThreads(threads ?? ProcessInfo.processInfo.activeProcessorCount) }
}
