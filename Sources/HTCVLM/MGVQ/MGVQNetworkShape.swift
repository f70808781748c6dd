import Tensor

/// The stages of an MGVQ encoder or decoder as the configuration's lists give them, shallow to deep: an entry is a
/// stage, and a stage after the first works at half the resolution of the one before it.
struct MGVQNetworkShape: Sendable, Hashable {
  let stages: [MGVQConfiguration.Stage]
  let latentChannels: Int

  var last: Int { stages.count - 1 }

  /// With no block in the first stage, the picture goes straight to half the resolution and the second stage's width.
  var skipsFirstStage: Bool { stages[0].depth == 0 }

  /// Channels after the encoder's `project_in` and before the decoder's `project_out`.
  var pictureWidth: Int { stages[skipsFirstStage ? 1 : 0].width }

  /// Whether stage `stage` ends (encoder) or begins (decoder) with a change of resolution.
  func resamples(_ stage: Int) -> Bool { stage < last && stages[stage].depth > 0 }

  /// The shape of a block of stage `stage`.
  func block(_ stage: Int) -> MGVQBlockShape {
    let own = stages[stage]
    return MGVQBlockShape(
      kind: own.block, channels: own.width, norm: own.norm, activation: own.activation == .relu ? .relu : .silu)
  }

  /// Steps of a forward pass: each block and change of resolution, the first layer and the last.
  var steps: Int { 2 + (0...last).reduce(0) { $0 + stages[$1].depth + (resamples($1) ? 1 : 0) } }

  /// Throws `ModelError.configuration` if the widths of `name` (`encoder` or `decoder`) do not fit together.
  init(_ name: String, _ stages: [MGVQConfiguration.Stage], latentChannels: Int) throws(ModelError) {
    self.stages = stages
    self.latentChannels = latentChannels
    let widths = stages.map(\.width)
    func fail(_ expected: String) -> ModelError {
      .configuration(key: "mgvq_config.\(name)_width_list", found: "\(widths)", expected: expected)
    }
    for stage in (skipsFirstStage ? 1 : 0)..<last {
      let (own, next) = (widths[stage], widths[stage + 1])
      guard resamples(stage) else {
        guard own == next else { throw fail("equal widths around the empty stage \(stage)") }
        continue
      }
      guard next % 4 == 0, own * 4 % next == 0 else {
        throw fail("each width a multiple of 4 and a divisor of four times the one before it")
      }
    }
    guard !skipsFirstStage || pictureWidth % 4 == 0 else { throw fail("a second width that is a multiple of 4") }
    for stage in stages where stage.depth > 0 && stage.block == .eViTGLU {
      guard stage.width >= LinearAttention.headSize else {
        throw fail("at least \(LinearAttention.headSize) channels in an EViT_GLU stage")
      }
    }
    guard widths[last] % latentChannels == 0 else {
      throw fail("a last width that is a multiple of latent_channels (\(latentChannels))")
    }
  }

  static func encoder(_ configuration: MGVQConfiguration) throws(ModelError) -> MGVQNetworkShape {
    try MGVQNetworkShape("encoder", configuration.encoder, latentChannels: configuration.latentChannels)
  }

  static func decoder(_ configuration: MGVQConfiguration) throws(ModelError) -> MGVQNetworkShape {
    try MGVQNetworkShape("decoder", configuration.decoder, latentChannels: configuration.latentChannels)
  }
}
