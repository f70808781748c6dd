package import Tensor

/// Everything one run of the model produced, as a plain value: what panels, statistics and the trace file read.
///
/// A stage that has not run yet is `nil`, so a trace also describes a run under way. Names in backquotes are the
/// names of the trace file. S = sequence length, A = anchors, P = patches, D = hidden size, L layers, H heads,
/// G groups, h×w the latent grid.
package struct Trace: Sendable, Equatable {
  package var provenance: Provenance
  package var model: ModelDescription
  package var vision: VisionTrace?
  package var mgvq: MGVQTrace?
  /// `anchors` `[A, D]`, after the anchor projector.
  package var anchors: Tensor?
  package var sequence: SequenceTrace?
  package var language: LanguageTrace?
  package var generation: GenerationTrace?

  package init(provenance: Provenance, model: ModelDescription) {
    self.provenance = provenance
    self.model = model
  }
}

/// The vision tower's side of a trace.
package struct VisionTrace: Sendable, Equatable {
  /// `vision.pixel_values` `[3, H, W]`, the normalized input of the tower.
  package var pixelValues: Tensor
  /// `vision.features`, the selected hidden layer without CLS: `[P, Dv]`, or more rows where patches are pooled.
  package var features: Tensor
  /// `patches` `[P, D]`, after the projector.
  package var patches: Tensor

  package init(pixelValues: Tensor, features: Tensor, patches: Tensor) {
    self.pixelValues = pixelValues
    self.features = features
    self.patches = patches
  }
}

/// The discrete codes of one picture.
package struct CodeGrid: Sendable, Equatable {
  /// Groups, each with a codebook of its own.
  package let groups: Int
  package let height: Int
  package let width: Int
  /// `[G, h, w]`, the index within the group's own codebook.
  package let indices: [Int32]

  package init(groups: Int, height: Int, width: Int, indices: [Int32]) {
    precondition(indices.count == groups * height * width)
    self.groups = groups
    self.height = height
    self.width = width
    self.indices = indices
  }

  package subscript(group: Int, row: Int, column: Int) -> Int {
    Int(indices[(group * height + row) * width + column])
  }
}

/// The quantizer's side of a trace.
package struct MGVQTrace: Sendable, Equatable {
  /// `mgvq.pixel_values` `[3, M, M]` in [−1, 1]: the square picture itself.
  package var pixelValues: Tensor
  /// `mgvq.latent` `[C, h, w]`, after `quant_conv`.
  package var latent: Tensor
  /// `mgvq.codes` `[G, h, w]`.
  package var codes: CodeGrid
  /// `mgvq.quantized` `[C, h, w]`, normalized code vectors.
  package var quantized: Tensor
  /// `mgvq.reconstruction` `[3, M, M]`, the decoder's output, unclipped; decoded after the answer is on screen.
  package var reconstruction: Tensor?

  package init(pixelValues: Tensor, latent: Tensor, codes: CodeGrid, quantized: Tensor, reconstruction: Tensor? = nil) {
    self.pixelValues = pixelValues
    self.latent = latent
    self.codes = codes
    self.quantized = quantized
    self.reconstruction = reconstruction
  }
}

/// The decoder's input: which key is what, and who may attend to whom.
package struct SequenceTrace: Sendable, Equatable {
  /// Segments in sequence order; they cover 0..<S without gaps.
  package var spans: [SequenceSpan]
  /// `sequence.token_ids` `[S]`: −2 anchor, −1 patch or CLS, else the token id.
  package var tokenIDs: [Int32]
  /// The text of each position: "A1", "patch", "<voco>" or the token's piece.
  package var pieces: [String]
  /// `sequence.embeddings` `[S, D]`.
  package var embeddings: Tensor
  /// `mask` `[S, S]`, row-major: 1 = the row may attend to the column.
  package var mask: [UInt8]

  package var length: Int { tokenIDs.count }

  package init(spans: [SequenceSpan], tokenIDs: [Int32], pieces: [String], embeddings: Tensor, mask: [UInt8]) {
    precondition(tokenIDs.count == pieces.count && mask.count == tokenIDs.count * tokenIDs.count)
    self.spans = spans
    self.tokenIDs = tokenIDs
    self.pieces = pieces
    self.embeddings = embeddings
    self.mask = mask
  }

  /// Whether query `row` may attend to key `column`.
  package func allows(row: Int, column: Int) -> Bool { mask[row * length + column] != 0 }

  /// The positions of all segments of a kind, ascending.
  package func positions(of kind: SegmentKind) -> [Int] {
    spans.filter { $0.kind == kind }.flatMap { Array($0.range) }
  }

  /// The last voco position.
  package var vocoPosition: Int? { positions(of: .voco).last }

  /// The query that the inspected row was taken at: the last voco, or in a model without voco the last prompt token.
  package var inspectedPosition: Int { vocoPosition ?? length - 1 }
}

/// A run of positions of one kind.
package struct SequenceSpan: Sendable, Hashable, Codable {
  package var kind: SegmentKind
  package var start: Int
  package var count: Int

  package init(kind: SegmentKind, start: Int, count: Int) {
    self.kind = kind
    self.start = start
    self.count = count
  }

  package var range: Range<Int> { start..<start + count }
}

/// What the decoder showed at the inspected token and at the last prompt token.
///
/// The inspected token is the last voco. A model without voco has the last prompt token in its place, and its file
/// `attention.last`, `hidden.last`, `value_norms.last` and `rollout.last` where others have `….voco`.
package struct LanguageTrace: Sendable, Equatable {
  /// `attention.voco` `[L, H, S]`, the softmax row of the inspected token.
  package var attentionVoco: Tensor
  /// `attention.last` `[L, H, S]`, the softmax row of the last prompt token.
  package var attentionLast: Tensor
  /// `hidden.voco` `[L+1, D]`; the last row is after the final norm.
  package var hiddenVoco: Tensor
  /// `logits` `[vocab]`, at the last prompt token.
  package var logits: Tensor
  /// `value_norms` `[L, H, S]`: ‖v_j W_o‖ of each head's value at key j, so that α·‖v W_o‖ is what the key
  /// contributes (Kobayashi et al., arXiv 2004.10102). Zero where the voco row does not see the key.
  package var valueNorms: Tensor?
  /// `rollout.voco` `[L, S]`: row l is the voco row of the attention rollout through layers 0…l, heads averaged,
  /// residual weight ½ (Abnar & Zuidema, arXiv 2005.00928).
  package var rolloutVoco: Tensor?

  package init(
    attentionVoco: Tensor, attentionLast: Tensor, hiddenVoco: Tensor, logits: Tensor, valueNorms: Tensor? = nil,
    rolloutVoco: Tensor? = nil
  ) {
    self.attentionVoco = attentionVoco
    self.attentionLast = attentionLast
    self.hiddenVoco = hiddenVoco
    self.logits = logits
    self.valueNorms = valueNorms
    self.rolloutVoco = rolloutVoco
  }

  package var layers: Int { attentionVoco.shape[0] }
  package var heads: Int { attentionVoco.shape[1] }
  package var length: Int { attentionVoco.shape[2] }
}

/// The continuation.
package struct GenerationTrace: Sendable, Equatable {
  /// `generated.token_ids`, ends at eos.
  package var tokenIDs: [Int32]
  /// The decoded text, `generated_text` in the file's metadata.
  package var text: String
  /// The probability the model gave each generated token; empty when read from a file.
  package var probabilities: [Float]

  package init(tokenIDs: [Int32], text: String, probabilities: [Float] = []) {
    self.tokenIDs = tokenIDs
    self.text = text
    self.probabilities = probabilities
  }
}

/// How much each anchor v changes without a latent cell, a group or a single code, the part's code vectors set to zero:
/// ‖v without it − v‖ / ‖v‖.
package struct AnchorAblation: Sendable, Equatable {
  /// `[A, h·w]`, one cell with all of its groups left out.
  package let cells: Tensor
  /// `[A, G]`, one group left out everywhere.
  package let groups: Tensor
  /// `[A, G, h·w]`, one code left out; `nil` where so many would take too long.
  package let codes: Tensor?

  package init(cells: Tensor, groups: Tensor, codes: Tensor?) {
    self.cells = cells
    self.groups = groups
    self.codes = codes
  }
}

/// What the tokens of a prompt and its answer attend to; no trace file holds it.
package struct TextAttention: Sendable, Equatable {
  /// Per layer `[H, n, keys]`, softmax rows of `n` tokens; a token sees the keys up to itself.
  package let layers: [Tensor]
  /// `[n]`, where each token stands; those of the answer come after the sequence.
  package let positions: [Int]
  /// `[n]`
  package let pieces: [String]
  /// `[keys]`, where each key stands.
  package let columns: [Int]
  /// Per layer `[H, keys]`, ‖v_j W_o‖ of each head's value at key j; empty where they were not computed.
  package let valueNorms: [Tensor]

  package init(
    layers: [Tensor], positions: [Int], pieces: [String], columns: [Int], valueNorms: [Tensor] = []
  ) {
    precondition(valueNorms.isEmpty || valueNorms.count == layers.count)
    precondition(valueNorms.allSatisfy { $0.rank == 2 && $0.shape[1] == columns.count })
    self.valueNorms = valueNorms
    precondition(positions.count == pieces.count)
    precondition(layers.allSatisfy { $0.rank == 3 && $0.shape[1] == positions.count && $0.shape[2] == columns.count })
    (self.layers, self.positions, self.pieces, self.columns) = (layers, positions, pieces, columns)
  }

  /// `[L, H, length]`, one token's rows, keys at their positions.
  package func rows(of token: Int, length: Int) -> Tensor { spread(layers, row: token, of: positions.count, length) }

  /// `[L, H, length]`, keys at their positions; `nil` where they were not computed.
  package func norms(length: Int) -> Tensor? { valueNorms.isEmpty ? nil : spread(valueNorms, row: 0, of: 1, length) }

  private func spread(_ layers: [Tensor], row: Int, of count: Int, _ length: Int) -> Tensor {
    let heads = layers.first?.shape[0] ?? 0
    let keys = columns.count
    return Tensor(shape: [layers.count, heads, length]) { output in
      // Keys without a column, such as patches that text does not see, get nothing.
      output.initialize(repeating: 0)
      for layer in layers.indices {
        layers[layer].values.withUnsafeBufferPointer { values in
          for head in 0..<heads {
            let start = (head * count + row) * keys
            for key in 0..<keys where columns[key] < length {
              output[(layer * heads + head) * length + columns[key]] = values[start + key]
            }
          }
        }
      }
    }
  }
}
