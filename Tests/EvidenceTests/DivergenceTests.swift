import Evidence
import Foundation
import Tensor
import TestSupport
import Testing

/// Values recorded from SciPy; the file's `generator` says how.
private struct RecordedDivergences: Decodable {
  struct KL: Decodable {
    let a, b: [Double]
    let kl: Double
  }
  struct JS: Decodable {
    let p, q: [Double]
    let js: Double
  }

  let kl: KL
  let js: JS
}

@Test("KL and Jensen–Shannon divergence agree with SciPy")
func divergences() throws {
  let recorded = try JSONDecoder().decode(RecordedDivergences.self, from: fixture("divergences.json"))
  let tensor = { (values: [Double]) in Tensor(shape: [values.count], values: values.map(Float.init)) }
  let kl = Divergence.kl(reference: tensor(recorded.kl.a), changed: tensor(recorded.kl.b))
  #expect(close(kl, recorded.kl.kl, 1e-6))
  #expect(close(Divergence.jensenShannon(recorded.js.p, recorded.js.q), recorded.js.js, 1e-12))
  #expect(close(Divergence.kl(recorded.js.p, recorded.js.q), recorded.kl.kl, 1e-12))
  #expect(Divergence.kl([0.5, 0.5], [1, 0]) == .infinity)
  #expect(Divergence.kl(reference: tensor([1, 2, 3]), changed: tensor([1, 2, 3])) == 0)
}

@Test("The change of the answer's lead is negative where it is lost, the cosine that of the vectors")
func leadAndCosine() {
  let reference = Tensor(shape: [3], values: [5, 3, 1])
  let changed = Tensor(shape: [3], values: [2, 3, 1])
  #expect(close(Divergence.leadChange(reference: reference, changed: changed, token: 0), -1 - 2))
  #expect(close(Divergence.cosine(reference, Tensor(shape: [3], values: [-5, -3, -1])), -1))
  #expect(Divergence.cosine(reference, .zeros([3])) == 0)
}
