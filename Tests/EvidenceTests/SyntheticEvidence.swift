import Evidence
import Statistics
import Tensor
import Trace

/// Evidence made up of numbers whose verdict is known.
struct SyntheticEvidence {
  /// Same-position logarithms of layers; of others 0.
  var layerLogs: [Int: Double] = [:]
  var pictures = 40
  /// Mean logarithms and their spread.
  var lift = 1.0
  var samePosition = 1.0
  var contribution = 1.0
  var isNothing = false
  var spread = 0.2
  /// Parts of the way that each interchange goes.
  var effects: [Interchanged: Double] = [
    .content: 0.6, .steering: 0, .edges: 0.6, .total: 0.6, .patches: 0.4, .visual: 1, .random: 0.02,
    .mostAttended: 0.05, .largestNorm: 0.02, .nearest: 0.03,
  ]
  var effectSpread = 0.1
  /// What every effect on E has beside that on LD.
  var projectionShift = 0.0
  /// LD_before − LD_donor.
  var denominator = 6.0
  var presence = 0.2
  var matchedPresence = 0.01
  var donorKL = 2.0
  var noise = 0.0
  var classes = 4
  var vocoTokens = 1
  var prompts = ["what"]
  var randomModels = 39
  var randomLog = 0.1
  var randomMovement = 0.2
  var blankMovement = 0.1
  var untrained: [String] = []
  /// Parts of the way that single heads go, of the first heads of the first layer; their sum goes together.
  var headEffects: [Double] = []

  var run: EvidenceRun {
    var model = ModelDescription.synthetic
    model.untrainedParts = untrained
    return EvidenceRun(provenance: .synthetic, model: model, prompts: prompts, vocoTokens: vocoTokens, seed: 3)
  }

  var donors: DonorChoice {
    DonorChoice(
      answers: (0..<pictures).map { [Int32($0 % classes), 2] }, keys: (0..<pictures).map { "key \($0)" }, seed: 3)
  }

  var summary: EvidenceSummary {
    var generator = SplitMix64(seed: 9)
    let choice = donors
    let all = (0..<pictures).map { picture($0, choice, &generator) }
    return EvidenceSummary(
      run: run, donors: prompts.map { _ in choice }, pictures: all,
      blanks: (0..<min(16, pictures)).map {
        BlankEvidence(
          index: $0, movement: prompts.map { _ in [Double](repeating: blankMovement, count: vocoTokens) })
      },
      randomModels: (0..<randomModels).map { number in
        let pairs = (0..<min(8, pictures)).flatMap { picture in
          choice.donors[picture].map { RandomModelEvidence.Pair(picture: picture, donor: $0) }
        }
        return RandomModelEvidence(
          number: number, pictures: Array(0..<min(8, pictures)), pairs: prompts.map { _ in pairs },
          attends: randomLog * generator.unit(), contributes: randomLog * generator.unit(),
          movement: prompts.map { _ in randomMovement * generator.unit() })
      }, heads: headEvidence(choice), hasRandomModels: randomModels > 0)
  }

  private func headEvidence(_ choice: DonorChoice) -> [HeadEvidence] {
    guard !headEffects.isEmpty else { return [] }
    var generator = SplitMix64(seed: 21)
    return (0..<pictures).filter { !HeadChoice.chooses($0) }.map { index in
      let pairs = choice.donors[index].map { donor -> HeadEvidence.Pair in
        let whole = denominator * (0.5 + generator.unit())
        let parts = headEffects.map { around($0, effectSpread, &generator) }
        return HeadEvidence.Pair(
          donor: donor, logitDifference: whole, squaredNorm: 10,
          shifts: (parts + [parts.reduce(0, +)]).map {
            EffectShift(logitDifference: $0 * whole, projection: $0 * 10)
          })
      }
      return HeadEvidence(
        index: index, heads: headEffects.indices.map { HeadPlace(voco: 0, layer: $0 / 3, head: $0 % 3) },
        prompts: prompts.map { _ in pairs })
    }
  }

  private func around(_ mean: Double, _ spread: Double, _ generator: inout SplitMix64) -> Double {
    mean + spread * (2 * generator.unit() - 1)
  }

  private func picture(_ index: Int, _ choice: DonorChoice, _ generator: inout SplitMix64) -> PictureEvidence {
    let cells = run.liveLayers * run.heads
    let vocos = (0..<vocoTokens).map { _ in
      VocoEvidence(
        anchorShare: 0.5, patchShare: 0.4,
        attends: PriorityMeasurement(
          logLift: around(lift, spread, &generator), logSamePosition: around(samePosition, spread, &generator)),
        contributes: ContributionMeasurement(
          priority: PriorityMeasurement(
            logLift: around(contribution, spread, &generator), logSamePosition: around(contribution, spread, &generator)
          ),
          isNothing: isNothing),
        rawContribution: 0.3, cells: (0..<cells).map { _ in around(0, 0.3, &generator) },
        cellLifts: [Double](repeating: 0, count: cells),
        layers: (0..<run.liveLayers).map { around(layerLogs[$0] ?? 0, 0.3, &generator) })
    }
    let evidence = prompts.map { _ in
      PromptEvidence(
        noise: noise, donorKL: choice.donors[index].map { _ in donorKL * (0.5 + generator.unit()) },
        vocos: (0..<vocoTokens).map { _ in
          CausalEvidence(
            pairs: choice.differ[index] ? choice.donors[index].map { pair($0, &generator) } : [],
            presence: presence * (0.5 + generator.unit()), matchedPresence: matchedPresence)
        })
    }
    return PictureEvidence(
      index: index, key: "key \(index)", name: "picture \(index)", vocos: vocos, prompts: evidence, row: nil,
      spread: nil)
  }

  private func pair(_ donor: Int, _ generator: inout SplitMix64) -> PairEvidence {
    let whole = denominator * (0.5 + generator.unit())
    let shifts = effects.mapValues { effect -> EffectShift in
      let part = around(effect, effectSpread, &generator)
      return EffectShift(logitDifference: part * whole, projection: (part + projectionShift) * 10)
    }
    return PairEvidence(
      donor: donor, logitDifference: whole, squaredNorm: 10, shifts: shifts,
      flip: (effects[.content] ?? 0) > 0.5 ? .donor : .own)
  }
}

extension Provenance {
  static let synthetic = Provenance(
    version: "test", imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "", modelName: "synthetic",
    configSHA256: "c", weightsSHA256: "w", prompt: "what")
}

extension ModelDescription {
  static let synthetic = ModelDescription(
    layers: 4, heads: 3, keyValueHeads: 3, hiddenSize: 12, vocabularySize: 30, anchors: 4, patchGrid: 4,
    visionImageSize: 56, mgvqImageSize: 56, groups: 2, codesPerGroup: 16, vocoTokens: 1, visualMask: .star,
    imageAspectRatio: .pad, precision: .own(.exact), untrainedParts: [])
}
