package import Tensor

/// Where a trace comes from: enough to reproduce it.
package struct Provenance: Sendable, Hashable, Codable {
  /// The program's version.
  package var version: String
  /// The picture's file name, without its directory.
  package var imageName: String
  /// Width and height of the picture in its file, after EXIF orientation.
  package var imageWidth: Int
  package var imageHeight: Int
  /// SHA-256 of the picture's bytes, in hexadecimal.
  package var imageSHA256: String
  /// The checkpoint directory's name.
  package var modelName: String
  /// SHA-256 of `config.json`, in hexadecimal.
  package var configSHA256: String
  /// SHA-256 of the weight file, of several over the lines of theirs, in hexadecimal; empty while it is not known.
  package var weightsSHA256: String
  package var prompt: String
  /// Codes that were changed by hand before the run, in words; empty for a run on the picture's own codes.
  package var edits: String
  /// nil where the program that made it did not say.
  package var computation: Computation?

  package init(
    version: String, imageName: String, imageWidth: Int, imageHeight: Int, imageSHA256: String, modelName: String,
    configSHA256: String, weightsSHA256: String, prompt: String, edits: String = "", computation: Computation? = nil
  ) {
    self.version = version
    self.imageName = imageName
    self.imageWidth = imageWidth
    self.imageHeight = imageHeight
    self.imageSHA256 = imageSHA256
    self.modelName = modelName
    self.configSHA256 = configSHA256
    self.weightsSHA256 = weightsSHA256
    self.prompt = prompt
    self.edits = edits
    self.computation = computation
  }
}

/// With what a run was computed, and how its answer was drawn.
package struct Computation: Sendable, Hashable, Codable {
  /// The kernels of the matrix products, such as "OpenBLAS SkylakeX".
  package var kernel: String
  /// Threads that it might use, at least 1.
  package var threads: Int
  /// 0 is greedy.
  package var temperature: Float
  /// The probability of the tokens that were drawn from, above 0 and at most 1.
  package var topP: Float
  package var seed: UInt64

  package init(kernel: String, threads: Int, temperature: Float, topP: Float, seed: UInt64) {
    self.kernel = kernel
    self.threads = threads
    self.temperature = temperature
    self.topP = topP
    self.seed = seed
  }

  /// Kernels and threads, in words.
  package var machine: String { "\(kernel), \(threads) thread\(threads == 1 ? "" : "s")" }

  /// How tokens were chosen, in words.
  package var sampling: String {
    temperature == 0 ? "greedy" : "temperature \(temperature), top-p \(topP), seed \(seed)"
  }

  /// By the names of a trace's metadata, as texts.
  package var named: [(name: String, value: String)] {
    [
      ("kernel", kernel), ("threads", "\(threads)"), ("temperature", "\(temperature)"), ("top_p", "\(topP)"),
      ("seed", "\(seed)"),
    ]
  }
}

/// The shape of the model a trace was made with.
package struct ModelDescription: Sendable, Hashable, Codable {
  package var layers: Int
  package var heads: Int
  package var keyValueHeads: Int
  package var hiddenSize: Int
  package var vocabularySize: Int
  package var anchors: Int
  /// Patches in a row of the grid: 24 for ViT-L/14 at 336.
  package var patchGrid: Int
  /// Rows of the grid; as many as a row has patches, but for towers that take pictures of any shape.
  package var patchRows: Int
  /// The vision tower's input width in pixels.
  package var visionImageSize: Int
  /// Its height.
  package var visionImageHeight: Int
  /// 0, as the two after it, in a model without a quantizer.
  package var mgvqImageSize: Int
  package var groups: Int
  /// Codes of one group.
  package var codesPerGroup: Int
  /// 0 in a model without voco, whose inspected token is the last of the prompt.
  package var vocoTokens: Int
  package var visualMask: VisualMask
  /// How `pad`/`square` pictures were prepared: the configuration's `image_aspect_ratio`.
  package var imageAspectRatio: ImageAspectRatio
  package var precision: ComputedPrecision
  /// Parts whose weights are random or substituted, by name; empty for a trained checkpoint.
  package var untrainedParts: [String]
  /// What `vision.pixel_values` were normalized with, a number per channel; empty where a file does not say.
  package var imageMean: [Double] = []
  package var imageStd: [Double] = []
  /// The side of the squares of projected patches that are averaged to one visual token; above 1 in a Matryoshka model.
  package var visualTokenPooling = 1

  /// What of the token row the panels look at is called.
  package var inspectedToken: String { vocoTokens > 0 ? "<voco>" : "the last prompt token" }

  package init(
    layers: Int, heads: Int, keyValueHeads: Int, hiddenSize: Int, vocabularySize: Int, anchors: Int, patchGrid: Int,
    patchRows: Int? = nil, visionImageSize: Int, visionImageHeight: Int? = nil, mgvqImageSize: Int, groups: Int,
    codesPerGroup: Int, vocoTokens: Int, visualMask: VisualMask,
    imageAspectRatio: ImageAspectRatio, precision: ComputedPrecision, untrainedParts: [String]
  ) {
    self.layers = layers
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.hiddenSize = hiddenSize
    self.vocabularySize = vocabularySize
    self.anchors = anchors
    self.patchGrid = patchGrid
    self.patchRows = patchRows ?? patchGrid
    self.visionImageSize = visionImageSize
    self.visionImageHeight = visionImageHeight ?? visionImageSize
    self.mgvqImageSize = mgvqImageSize
    self.groups = groups
    self.codesPerGroup = codesPerGroup
    self.vocoTokens = vocoTokens
    self.visualMask = visualMask
    self.imageAspectRatio = imageAspectRatio
    self.precision = precision
    self.untrainedParts = untrainedParts
  }
}

/// The stages of a run, in the order they start.
package enum PipelineStage: String, Sendable, CaseIterable, Codable {
  case image, load, mgvq, anchors, vision, decoder, answer, reconstruction

  /// What the screen calls it.
  package var title: String {
    switch self {
    case .image: "image"
    case .load: "weights"
    case .mgvq: "MGVQ codes"
    case .anchors: "anchors"
    case .vision: "vision tower"
    case .decoder: "decoder"
    case .answer: "answer"
    case .reconstruction: "reconstruction"
    }
  }
}

/// How far a stage is.
package struct StageProgress: Sendable, Hashable {
  package enum State: Sendable, Hashable {
    /// Steps done of all steps, such as decoder layers.
    case running(done: Int, of: Int)
    case finished
    /// The result of an earlier run was used again.
    case reused
    case cancelled
    case failed(String)
  }

  package var stage: PipelineStage
  package var state: State
  /// Seconds since the stage started.
  package var seconds: Double

  package init(stage: PipelineStage, state: State, seconds: Double) {
    self.stage = stage
    self.state = state
    self.seconds = seconds
  }
}
