import Statistics
package import Tensor
package import Trace

/// Which code vectors a picture is decoded from.
package enum DecodeVariant: Sendable, Hashable {
  /// The first so many groups, the others zero.
  case firstGroups(Int)
  /// All groups but one, from 0.
  case withoutGroup(Int)
  /// The cells, row-major, exchange their codes among each other, all groups of a cell together.
  case shuffled(cells: [Int], seed: UInt64)
  /// One code replaced.
  case swapped(CodeEdit)

  /// What it is called beside its numbers.
  package func words(groups: Int) -> String {
    switch self {
    case .firstGroups(let count): "decoded from the first \(count) of \(groups) groups"
    case .withoutGroup(let group): "decoded without group \(group + 1)"
    case .shuffled(let cells, _): "decoded with the codes of \(cells.count) cells shuffled"
    case .swapped(let edit):
      "decoded with code \(edit.code) at (\(edit.row),\(edit.column)) of group \(edit.group + 1)"
    }
  }

  /// The code vectors `[C, h, w]`, given those of the codes as they are and a grid's vectors.
  package func vectors(
    _ codes: CodeGrid, _ vectorsOf: (CodeGrid) throws -> Tensor
  ) rethrows -> Tensor {
    switch self {
    case .firstGroups(let count): try vectorsOf(codes).keeping(groups: codes.groups) { $0 < count }
    case .withoutGroup(let group): try vectorsOf(codes).keeping(groups: codes.groups) { $0 != group }
    case .shuffled(let cells, let seed): try vectorsOf(codes.shuffling(cells, seed: seed))
    case .swapped(let edit): try vectorsOf(codes.applying([edit]))
    }
  }
}

extension Tensor {
  /// `[C, h, w]` with the channels of some groups set to zero.
  fileprivate func keeping(groups: Int, where isKept: (Int) -> Bool) -> Tensor {
    let size = count / groups
    return Tensor(
      shape: shape,
      values: (0..<groups).flatMap { group in
        isKept(group) ? Array(values[group * size..<(group + 1) * size]) : [Float](repeating: 0, count: size)
      })
  }
}

extension CodeGrid {
  /// The grid with the codes of `cells` in another order.
  func shuffling(_ cells: [Int], seed: UInt64) -> CodeGrid {
    var generator = SplitMix64(seed: seed)
    let order = cells.shuffled(using: &generator)
    let plane = height * width
    var changed = indices
    for group in 0..<groups {
      for (cell, from) in zip(cells, order) { changed[group * plane + cell] = indices[group * plane + from] }
    }
    return CodeGrid(groups: groups, height: height, width: width, indices: changed)
  }
}

/// What to decode: a variant of the codes with the edits on screen.
package struct DecodeRequest: Sendable, Hashable {
  package let variant: DecodeVariant
  package let edits: [CodeEdit]

  package init(variant: DecodeVariant, edits: [CodeEdit]) {
    self.variant = variant
    self.edits = edits
  }
}

/// What came out of the decoder, and how far it is from the picture and from all codes decoded.
package struct DecodeResult: Sendable, Equatable {
  package let request: DecodeRequest
  package let picture: Picture
  /// To the square picture itself, over the range −1…1: dB, and −1…1.
  package let psnr: Double
  package let ssim: Double?
  /// The absolute difference from the picture, mean over channels, as grey: white is 1 of a range of 2.
  package let error: Picture
  /// The absolute difference from all codes decoded as grey, white the largest there is.
  package let difference: Picture
  /// That largest difference, mean over channels, 0…2.
  package let largestDifference: Double
  /// The part of the pixels that differ from all codes decoded by more than 1/255 of the range.
  package let changedPart: Double
  /// How far from the swapped cell's own square the farthest such pixel lies, in pixels; `nil` for other variants.
  package let reach: Int?

  /// - Parameters:
  ///   - decoded: `[3, M, M]`, the variant.
  ///   - original: `[3, M, M]` in [−1, 1], the picture.
  ///   - whole: `[3, M, M]`, all codes decoded.
  package init(
    _ request: DecodeRequest, decoded: Tensor, original: Tensor, whole: Tensor, psnr: Double, ssim: Double?,
    error: Tensor, latent: Int
  ) {
    self.request = request
    picture = Picture(signed: decoded)
    self.psnr = psnr
    self.ssim = ssim
    self.error = Picture(grey: error)
    let side = decoded.shape[2]
    let differences = Self.differences(decoded, whole)
    let largest = differences.max() ?? 0
    largestDifference = Double(largest)
    difference = Picture(
      grey: Tensor(shape: [decoded.shape[1], side], values: differences.map { largest > 0 ? $0 / largest : 0 }))
    let changed = Self.changed(decoded, whole)
    changedPart = Double(changed.count) / Double(max(1, side * decoded.shape[1]))
    if case .swapped(let edit) = request.variant, latent > 0 {
      let cell = side / latent
      reach =
        changed.map { index in
          let (x, y) = (index % side, index / side)
          let across = max(edit.column * cell - x, x - ((edit.column + 1) * cell - 1), 0)
          let down = max(edit.row * cell - y, y - ((edit.row + 1) * cell - 1), 0)
          return max(across, down)
        }.max() ?? 0
    } else {
      reach = nil
    }
  }

  /// The absolute difference of each pixel, mean over channels.
  private static func differences(_ a: Tensor, _ b: Tensor) -> [Float] {
    let plane = a.shape[1] * a.shape[2]
    return a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        (0..<plane).map { index in
          (0..<3).reduce(Float(0)) { $0 + abs(a[$1 * plane + index] - b[$1 * plane + index]) } / 3
        }
      }
    }
  }

  /// Pixels, row-major, that differ in any channel by more than 1/255 of the range.
  private static func changed(_ a: Tensor, _ b: Tensor) -> [Int] {
    let plane = a.shape[1] * a.shape[2]
    return a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        (0..<plane).filter { index in
          (0..<3).contains { abs(a[$0 * plane + index] - b[$0 * plane + index]) > 2.0 / 255 }
        }
      }
    }
  }
}

extension Picture {
  /// `[H, W]`, 0…1 as black to white.
  fileprivate init(grey tensor: Tensor) {
    let pixels = [UInt8](unsafeUninitializedCapacity: tensor.count * 3) { buffer, count in
      tensor.values.withUnsafeBufferPointer { values in
        for index in values.indices {
          let level = values[index].isNaN ? 0 : UInt8(min(255, max(0, values[index] * 255)))
          for channel in 0..<3 { buffer[index * 3 + channel] = level }
        }
      }
      count = tensor.count * 3
    }
    self.init(width: tensor.shape[1], height: tensor.shape[0], pixels: pixels)
  }
}
