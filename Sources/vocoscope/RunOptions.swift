import ArgumentParser
import Foundation
import HTCVLM
import Tensor

/// What to ask and how to answer; shared by every subcommand that runs the model on one question.
struct RunOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The question to ask about the picture.")
  var prompt = RunOptions.defaultPrompt

  static let defaultPrompt = "what is in the picture?"

  @OptionGroup var sampling: SamplingOptions

  var generation: GenerationOptions { sampling.generation }

  func applyThreads() { sampling.applyThreads() }
}

/// How to answer.
struct SamplingOptions: ParsableArguments {
  @Option(help: "The most tokens to answer with; 0 for a run without an answer.")
  var maxNewTokens = 64

  @Option(help: "0 takes the likeliest token; above, tokens are sampled.")
  var temperature: Float = 0

  @Option(help: "Sample among the likeliest tokens that together have this probability.")
  var topP: Float = 1

  @Option(help: "Seed of the sampling.")
  var seed: UInt64 = 0

  @Option(help: "Threads to compute with. Without it, one a processor.")
  var threads: Int?

  mutating func validate() throws {
    guard maxNewTokens >= 0 else { throw ValidationError("--max-new-tokens is \(maxNewTokens), expected 0 or more") }
    guard temperature >= 0, temperature.isFinite else {
      throw ValidationError("--temperature is \(temperature), expected 0 or more")
    }
    guard topP > 0, topP <= 1 else { throw ValidationError("--top-p is \(topP), expected above 0 and at most 1") }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads), expected 1 to 1024")
    }
  }

  var generation: GenerationOptions {
    GenerationOptions(maxNewTokens: maxNewTokens, temperature: temperature, topP: topP, seed: seed)
  }

  func applyThreads() {
    ComputeBackend.setThreads(threads ?? ProcessInfo.processInfo.activeProcessorCount)
  }
}
