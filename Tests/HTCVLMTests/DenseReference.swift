import HTCVLM
import Tensor
import Trace

/// A Llama decoder with nothing clever about it: all rows in all layers, one mask over all pairs.
struct DenseReference {
  let configuration: HTCVLMConfiguration
  let tensors: [String: StoredTensor]

  struct Result {
    /// `[L + 1][S, D]`, the last after the final norm.
    var hidden: [Tensor] = []
    /// `[L][H]` of `[S, S]`.
    var attention: [[Tensor]] = []
    /// `[L]` of `[S, kvHeads · headDim]`.
    var values: [Tensor] = []
    /// `[S, vocab]`.
    var logits = Tensor.zeros([0])
  }

  /// An edge of the attention.
  struct Edge {
    let layer: Int
    let head: Int
    let row: Int
    let column: Int
  }

  /// `replacing` gives what an edge mixes in place of its key's value, from that head's values `[S, headDim]`.
  func run(
    _ embeddings: Tensor, positions: [Int]? = nil, allows: (Edge) -> Bool,
    replacing: (Edge, Tensor) -> [Float]? = { _, _ in nil }
  ) -> Result {
    let length = embeddings.shape[0]
    let positions = positions ?? Array(0..<length)
    let rotary = RotaryEmbedding(headDim: configuration.headDim, theta: configuration.ropeTheta)
    var result = Result(hidden: [embeddings])
    var x = embeddings
    for layer in 0..<configuration.layers {
      let prefix = "model.layers.\(layer)"
      let normalized = norm(x, "\(prefix).input_layernorm.weight")
      let q = rotary.apply(
        linear(normalized, "\(prefix).self_attn.q_proj"), heads: configuration.heads, positions: positions)
      let k = rotary.apply(
        linear(normalized, "\(prefix).self_attn.k_proj"), heads: configuration.keyValueHeads, positions: positions)
      let v = linear(normalized, "\(prefix).self_attn.v_proj")
      result.values.append(v)
      var weights: [Tensor] = []
      var mixed: [Tensor] = []
      for head in 0..<configuration.heads {
        let size = configuration.headDim
        let shared = head / (configuration.heads / configuration.keyValueHeads)
        let scores = matmul(
          q.columns(head * size..<(head + 1) * size), k.columns(shared * size..<(shared + 1) * size),
          transposeB: true, scale: 1 / Float(size).squareRoot())
        let masked = Tensor(
          shape: scores.shape,
          values: scores.values.enumerated().map { index, score in
            let edge = Edge(layer: layer, head: head, row: index / length, column: index % length)
            return edge.column <= edge.row && allows(edge) ? score : -.infinity
          })
        weights.append(softmaxRows(masked))
        mixed.append(
          mix(weights[head], v.columns(shared * size..<(shared + 1) * size), layer, head, replacing))
      }
      result.attention.append(weights)
      x = x + linear(Tensor.concatenateColumns(mixed), "\(prefix).self_attn.o_proj")
      let inner = norm(x, "\(prefix).post_attention_layernorm.weight")
      let gated = Activation.silu(linear(inner, "\(prefix).mlp.gate_proj")) * linear(inner, "\(prefix).mlp.up_proj")
      x = x + linear(gated, "\(prefix).mlp.down_proj")
      result.hidden.append(layer < configuration.layers - 1 ? x : norm(x, "model.norm.weight"))
    }
    let head = configuration.tiedEmbeddings ? "model.embed_tokens" : "lm_head"
    result.logits = linear(result.hidden[configuration.layers], head)
    return result
  }

  private func mix(
    _ weights: Tensor, _ values: Tensor, _ layer: Int, _ head: Int, _ replacing: (Edge, Tensor) -> [Float]?
  ) -> Tensor {
    let (length, size) = (values.shape[0], values.shape[1])
    var output = [Float](repeating: 0, count: length * size)
    for row in 0..<length {
      for column in 0...row where weights.values[row * length + column] != 0 {
        let edge = Edge(layer: layer, head: head, row: row, column: column)
        let value = replacing(edge, values) ?? values[row: column].values
        for index in 0..<size {
          output[row * size + index] += weights.values[row * length + column] * value[index]
        }
      }
    }
    return Tensor(shape: values.shape, values: output)
  }

  private func weight(_ name: String) -> Tensor { tensors[name]!.float32() }

  private func norm(_ x: Tensor, _ name: String) -> Tensor {
    rmsNorm(x, weight: weight(name), epsilon: configuration.rmsNormEpsilon)
  }

  private func linear(_ x: Tensor, _ name: String) -> Tensor {
    matmul(x, weight("\(name).weight"), transposeB: true)
  }
}
