package import Tensor

/// How clear the choice of a code was at one place.
package struct CodeMargin: Sendable, Hashable, Codable {
  /// The nearest and the second nearest code.
  package var code: Int
  package var runnerUp: Int
  /// Their distances to the normalised latent, 0…2.
  package var distance: Double
  package var runnerUpDistance: Double

  /// By how much the runner-up is farther, 0…2.
  package var margin: Double { runnerUpDistance - distance }
}

extension Codebook {
  /// The margins of every place, `[G][h·w]`.
  ///
  /// - Parameter latent: `mgvq.latent` `[C, h, w]`, C = G·d.
  /// - Throws: `EvidenceError.shape` if the channels do not fit the codebook.
  package func margins(_ latent: Tensor) throws(EvidenceError) -> [[CodeMargin]] {
    guard latent.rank == 3, latent.shape[0] == groups * dimension else {
      throw .shape(tensor: "mgvq.latent", found: latent.shape, expected: "[\(groups * dimension), h, w]")
    }
    let cells = latent.shape[1] * latent.shape[2]
    return (0..<groups).map { group in
      let vectors = Tensor(shape: [cells, dimension]) { output in
        for channel in 0..<dimension {
          for cell in 0..<cells {
            output[cell * dimension + channel] = latent.values[(group * dimension + channel) * cells + cell]
          }
        }
      }
      let unit = normalisedRows(vectors)
      return twoNearest(unit, in: normalised[group], skippingOwn: false, byAngle: true).enumerated().map {
        cell, nearest in
        let far = { (code: Int) in
          code < 0 ? 2 : Evidence.distance(unit[row: cell].values, self.normalised[group], row: code)
        }
        return CodeMargin(
          code: nearest.first, runnerUp: nearest.second, distance: far(nearest.first),
          runnerUpDistance: far(nearest.second))
      }
    }
  }
}
