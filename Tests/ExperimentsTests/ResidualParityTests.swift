import Evidence
import Experiments
import Foundation
import HTCVLM
import TestSupport
import Testing
import Trace

/// What `assets/training/residual_oracle.py` computed of a recorded model with PyTorch, states put in by hooks.
private struct Recorded: Decodable {
  struct State: Decodable {
    let ids: [Int]
    let probabilities: [Double]
  }

  struct Row: Decodable {
    let position: Int
    let states: [State]
  }

  struct Trace: Decodable {
    let scale: String
    let segments: [String]
    let restoration, corruption: [[Double]]
  }

  struct Reading: Decodable {
    let voco, text, answer: Double
  }

  struct Token: Decodable {
    let id: Int
    let logProbability, cut, swap: Double
    let readings: [Reading]
  }

  let lens: [Row]
  let causalTrace: Trace
  let answer: [Token]
}

/// A recorded model with the picture and the donor that the oracle saw.
private struct ParityCase: Sendable, CustomTestStringConvertible {
  let name: String
  let picture: String
  let donor: String

  static let all = [
    ParityCase(name: "star-png", picture: "star-png/image.png", donor: "sharded-f16-hwc/image.png"),
    ParityCase(
      name: "sharded-f16-hwc", picture: "sharded-f16-hwc/image.png",
      donor: "../../../../assets/images/scene-1.png"),
    ParityCase(name: "voco-causal-bf16", picture: "voco-causal-bf16/image.jpg", donor: "sharded-f16-hwc/image.png"),
  ]

  var testDescription: String { name }

  private static let folder = URL(fileURLWithPath: recordedCheckpoint).deletingLastPathComponent()

  private func path(_ file: String) -> String { Self.folder.appendingPathComponent(file).path }

  func recorded() throws -> Recorded {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      Recorded.self, from: Data(contentsOf: URL(fileURLWithPath: path("\(name)/residual.json"))))
  }

  struct Opened {
    let model: HTCVLMModel
    let prompt: String
    let own, donor: VisualCache
  }

  func open() throws -> Opened {
    let model = try Pipeline(opening: path(name), version: "test").model
    let caches = try [picture, donor].map { file in
      try model.compress(try model.encode(PictureSource(path: path(file)).image))
    }
    return Opened(
      model: model, prompt: try String(contentsOfFile: path("\(name)/prompt.txt"), encoding: .utf8), own: caches[0],
      donor: caches[1])
  }
}

@Suite("Lens, answer and causal trace beside PyTorch")
struct ResidualParityTests {
  @Test("The likeliest tokens of every state and their probabilities are PyTorch's", arguments: ParityCase.all)
  private func lens(_ parity: ParityCase) throws {
    let (opened, recorded) = (try parity.open(), try parity.recorded())
    let lens = try Lens.measure(opened.model, opened.own, prompt: opened.prompt)
    #expect(!recorded.lens.isEmpty)
    for row in recorded.lens {
      let own = try #require(lens[position: row.position])
      #expect(own.states.count == row.states.count)
      for (found, expected) in zip(own.states, row.states) {
        #expect(
          zip(found, expected.probabilities).allSatisfy {
            abs($0.probability - $1) <= 1e-4 * expected.probabilities[0]
          },
          "\(own.place.name): \(found) for \(expected)")
        // Tokens whose probabilities are closer than the tolerance may change places.
        #expect(found[0].id == expected.ids[0] || expected.probabilities[0] - expected.probabilities[1] < 1e-6)
      }
    }
  }

  @Test("Restoration and corruption of every layer and segment are PyTorch's", arguments: ParityCase.all)
  private func causalTrace(_ parity: ParityCase) throws {
    let (opened, recorded) = (try parity.open(), try parity.recorded().causalTrace)
    var steps: [Int] = []
    let trace = try CausalTraceRun(opened.model, prompt: opened.prompt).trace(
      ("own", opened.own), donor: ("donor", opened.donor)
    ) { done, total in
      #expect(total == 3 * recorded.segments.count)
      steps.append(done)
    }
    #expect(steps == Array(0..<3 * recorded.segments.count))
    #expect(trace.scale?.rawValue == recorded.scale)
    #expect(trace.segments.map(\.name) == recorded.segments)
    for (layer, cells) in trace.cells.enumerated() {
      for (segment, cell) in cells.enumerated() {
        let place = "layer \(layer + 1), \(recorded.segments[segment])"
        #expect(abs(cell.restoration - recorded.restoration[layer][segment]) <= 1e-4, "\(place)")
        #expect(abs(cell.corruption - recorded.corruption[layer][segment]) <= 1e-4, "\(place)")
      }
    }
  }

  @Test("What answer tokens read, and lose without the anchors, is PyTorch's", arguments: ParityCase.all)
  private func answer(_ parity: ParityCase) throws {
    let (opened, recorded) = (try parity.open(), try parity.recorded().answer)
    let anchors = opened.donor.visual.anchors
    let hasAnchors = !opened.own.anchorPositions.isEmpty
    let trace = try AnswerTrace.measure(
      opened.model, opened.own, prompt: opened.prompt, donor: hasAnchors ? ("donor", anchors) : nil,
      options: GenerationOptions(maxNewTokens: 8))
    #expect(trace.tokens.map(\.id) == recorded.map(\.id))
    for (token, expected) in zip(trace.tokens, recorded) {
      #expect(abs(token.logProbability - expected.logProbability) <= 1e-4)
      for (own, reading) in zip(token.readings, expected.readings) {
        #expect(abs(own.voco - reading.voco) <= 1e-4 && abs(own.text - reading.text) <= 1e-4)
        #expect(abs(own.answer - reading.answer) <= 1e-4 && own.visual == 0)
      }
      let changes = Dictionary(uniqueKeysWithValues: token.changes.map { ($0.name, $0.nats) })
      guard hasAnchors else {
        #expect(changes.isEmpty)
        continue
      }
      #expect(close(changes["cut anchors"], expected.cut, 1e-4) && close(changes["swap anchors"], expected.swap, 1e-4))
      #expect(changes["cut as many random patches"] != nil)
    }
  }
}
