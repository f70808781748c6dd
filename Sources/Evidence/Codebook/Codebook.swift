import Foundation
package import Tensor

/// The code vectors of every group, as they lie in the checkpoint and as the quantizer compares them.
package struct Codebook: Sendable, Equatable {
  /// What makes a code the nearest.
  package enum Metric: String, Sendable, Hashable, Codable, CaseIterable {
    /// The angle: lengths do not count, as in MGVQ and LlamaGen.
    case cosine
    /// The distance of the vectors as they are, as in VQGAN and most others.
    case euclidean

    /// Cosine for codes that all have length 1, which is what quantizers by angle keep; a guess, where no file tells.
    package static func guessed(_ embedding: Tensor) -> Metric {
      let width = embedding.shape[1]
      let isUnit = stride(from: 0, to: embedding.count, by: width).allSatisfy { start in
        abs(embedding.values[start..<start + width].reduce(0) { $0 + $1 * $1 } - 1) < 1e-3
      }
      return isUnit ? .cosine : .euclidean
    }
  }

  package let metric: Metric
  /// Per group `[K, d]`, as stored.
  package let stored: [Tensor]
  /// Per group `[K, d]`, what distances are measured between: each vector at length 1, or by `euclidean` all of a group
  /// over their root mean square length. A vector that cannot be scaled so is zero here.
  package let normalized: [Tensor]

  package var groups: Int { stored.count }
  package var codesPerGroup: Int { stored[0].shape[0] }
  package var dimension: Int { stored[0].shape[1] }

  /// - Parameter embedding: `quantize.embedding.weight` `[G·K, d]`; group g owns rows g·K ..< (g+1)·K.
  /// - Throws: `EvidenceError.shape` if the rows do not divide by the groups.
  package init(embedding: Tensor, groups: Int, metric: Metric = .cosine) throws(EvidenceError) {
    guard embedding.rank == 2, groups > 0, embedding.count > 0, embedding.shape[0] % groups == 0 else {
      throw .shape(tensor: "quantize.embedding.weight", found: embedding.shape, expected: "[\(groups)·K, d]")
    }
    let codes = embedding.shape[0] / groups
    stored = (0..<groups).map { embedding[rows: $0 * codes..<($0 + 1) * codes] }
    self.metric = metric
    normalized = stored.map(metric == .cosine ? directions : scaledRows)
  }

  /// The codes as the model's quantizer holds them, at length 1 already: `[K, d]` per group, all of one shape.
  package init(normalized groups: [Tensor]) {
    precondition(!groups.isEmpty && groups.allSatisfy { $0.rank == 2 && $0.shape == groups[0].shape })
    (metric, stored, normalized) = (.cosine, groups, groups)
  }

  /// The nearest other codes of a code, nearest first.
  package func nearest(to code: Int, group: Int, count: Int = 5) -> [CodeNeighbour] {
    Array(ranked(normalized[group][row: code].values, group: group).lazy.filter { $0.code != code }.prefix(count))
  }

  /// The codes nearest to the latent vector at a place of `mgvq.latent` `[C, h, w]`, nearest first; `nil` where the
  /// codebook has no such group or the latent no such place.
  package func nearest(to latent: Tensor, row: Int, column: Int, group: Int, count: Int = 5) -> [CodeNeighbour]? {
    guard normalized.indices.contains(group), latent.rank == 3, (group + 1) * dimension <= latent.shape[0],
      row < latent.shape[1], column < latent.shape[2]
    else { return nil }
    let vector = (0..<dimension).map { latent[group * dimension + $0, row, column] }
    let unit = directions(Tensor(shape: [1, dimension], values: vector))
    return Array(ranked(unit.values, group: group).prefix(count))
  }

  /// All codes of a group by their distance from a vector `[d]`, the first of equals first.
  private func ranked(_ vector: [Float], group: Int) -> [CodeNeighbour] {
    (0..<codesPerGroup).map { CodeNeighbour(code: $0, distance: distance(vector, normalized[group], row: $0)) }
      .sorted { ($0.distance, $0.code) < ($1.distance, $1.code) }
  }
}

/// A code and its Euclidean distance between normalized vectors, 0…2.
package struct CodeNeighbour: Sendable, Hashable, Codable {
  package var code: Int
  package var distance: Double
}

extension [CodeNeighbour] {
  /// By how much the second is farther than the first, 0…2: 0 is a coin's toss.
  package var margin: Double? { count < 2 ? nil : self[1].distance - self[0].distance }
}

/// The rows of `[n, d]` at length 1, as the model's quantizer has them; zero where a row is not finite.
func directions(_ table: Tensor) -> Tensor {
  let rows = normalizedRows(table)
  guard !rows.values.allSatisfy(\.isFinite) else { return rows }
  let width = rows.shape[1]
  var values = rows.values
  for start in stride(from: 0, to: values.count, by: width) where !values[start..<start + width].allSatisfy(\.isFinite)
  {
    for index in start..<start + width { values[index] = 0 }
  }
  return Tensor(shape: rows.shape, values: values)
}

/// The rows of `[n, d]` over the root mean square of their lengths; zero where one is not finite.
func scaledRows(_ table: Tensor) -> Tensor {
  let width = table.shape[1]
  let squares = (0..<table.shape[0]).map { row in
    table.values[row * width..<(row + 1) * width].reduce(0.0) { $0 + Double($1) * Double($1) }
  }
  let finite = squares.filter(\.isFinite)
  let length = finite.isEmpty ? 0 : (finite.reduce(0, +) / Double(finite.count)).squareRoot()
  return Tensor(
    shape: table.shape,
    values: table.values.enumerated().map { index, value in
      length > 0 && squares[index / width].isFinite ? Float(Double(value) / length) : 0
    })
}

/// The Euclidean distance between `vector` `[d]` and a row of `table` `[n, d]`, in double.
func distance(_ vector: [Float], _ table: Tensor, row: Int) -> Double {
  var sum = 0.0
  let offset = row * vector.count
  for index in vector.indices {
    let difference = Double(vector[index]) - Double(table.values[offset + index])
    sum += difference * difference
  }
  return sum.squareRoot()
}

/// For every row of `queries` `[n, d]` the two nearest rows of `table` `[K, d]`, skipping row i for query i if
/// `skippingOwn`: by angle those of the largest q·t, for rows of length 1 or 0; else those of the largest
/// q·t − ‖t‖²/2, which orders as the distance does. Blocks of queries go through one matrix product each, small enough to stay in cache.
func twoNearest(_ queries: Tensor, in table: Tensor, skippingOwn: Bool, byAngle: Bool) -> [(first: Int, second: Int)] {
  let codes = table.shape[0]
  let width = table.shape[1]
  let halves: [Float] = (byAngle ? 0..<0 : 0..<codes).map { row in
    table.values[row * width..<(row + 1) * width].reduce(0) { $0 + $1 * $1 } / 2
  }
  let block = max(1, min(queries.shape[0], (1 << 20) / max(1, codes)))
  var result: [(first: Int, second: Int)] = []
  result.reserveCapacity(queries.shape[0])
  for start in stride(from: 0, to: queries.shape[0], by: block) {
    let rows = start..<min(start + block, queries.shape[0])
    let products = matmul(queries[rows: rows], table, transposeB: true)
    var scores = products.values
    scores.withUnsafeMutableBufferPointer { scores in
      for row in 0..<rows.count {
        let line = UnsafeMutableBufferPointer(rebasing: scores[row * codes..<(row + 1) * codes])
        for code in halves.indices { line[code] -= halves[code] }
        result.append(twoLargest(UnsafeBufferPointer(line), skipping: skippingOwn ? start + row : -1))
      }
    }
  }
  return result
}

/// Indices of the largest and second largest element, the earlier one on ties; −1 where there is none.
private func twoLargest(_ line: UnsafeBufferPointer<Float>, skipping: Int) -> (first: Int, second: Int) {
  var (first, second) = (-1, -1)
  var (best, next) = (-Float.infinity, -Float.infinity)
  for index in 0..<line.count where line[index] > next && index != skipping {
    if line[index] > best {
      (second, next) = (first, best)
      (first, best) = (index, line[index])
    } else {
      (second, next) = (index, line[index])
    }
  }
  return (first, second)
}

/// How clear the choice of a code was at one place.
package struct CodeMargin: Sendable, Hashable, Codable {
  /// The nearest and the second nearest code.
  package var code: Int
  package var runnerUp: Int
  /// Their distances to the normalized latent, 0…2.
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
      let unit = directions(vectors)
      return twoNearest(unit, in: normalized[group], skippingOwn: false, byAngle: true).enumerated().map {
        cell, nearest in
        let far = { (code: Int) in
          code < 0 ? 2 : Evidence.distance(unit[row: cell].values, self.normalized[group], row: code)
        }
        return CodeMargin(
          code: nearest.first, runnerUp: nearest.second, distance: far(nearest.first),
          runnerUpDistance: far(nearest.second))
      }
    }
  }
}
