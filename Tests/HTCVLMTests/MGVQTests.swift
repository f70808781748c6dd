import HTCVLM
import Tensor
import TestSupport
import Testing
import Trace

@Suite("MGVQ")
struct MGVQTests {
  struct Layout: Sendable, CustomTestStringConvertible {
    let name: String
    let widths: [Int]
    let depths: [Int]
    let latent: Int
    var testDescription: String { name }

    var keys: [String: Any] {
      let blocks = widths.map { $0 >= 32 ? "EViT_GLU" : "ResBlock" }
      return [
        "encoder_width_list": widths, "encoder_depth_list": depths, "encoder_block_type": blocks,
        "decoder_width_list": widths, "decoder_depth_list": depths, "decoder_block_type": blocks,
        "decoder_norm": widths.map { _ in "trms2d" }, "decoder_act": widths.map { _ in "silu" },
      ]
    }
  }

  static let layouts = [
    Layout(name: "f8", widths: [8, 16, 32, 32], depths: [0, 1, 2, 1], latent: 4),
    Layout(name: "f16", widths: [8, 16, 16, 32, 64], depths: [0, 2, 1, 1, 1], latent: 2),
    Layout(name: "f32", widths: [8, 16, 16, 32, 32, 32], depths: [0, 1, 1, 1, 1, 1], latent: 1),
    Layout(name: "f8 with blocks at full resolution", widths: [8, 16, 16, 32], depths: [1, 1, 1, 1], latent: 4),
    Layout(name: "f8 with an empty stage", widths: [8, 16, 32, 32, 32], depths: [0, 1, 1, 0, 2], latent: 4),
  ]

  @Test("Any list of widths and depths encodes to its grid and decodes to the picture's size", arguments: layouts)
  func anyLayout(_ layout: Layout) throws {
    let configuration = try SyntheticModel.configuration(mgvq: layout.keys)
    let tensors = try SyntheticModel.tensors(configuration)
    let model = try SyntheticModel.model(configuration, tensors: tensors)
    let encoded = try #require(try model.encode(SyntheticModel.picture()).mgvq)
    #expect(encoded.latent.shape == [8, layout.latent, layout.latent])
    #expect(encoded.codes.height == layout.latent && encoded.codes.groups == 2)
    #expect(encoded.codes.indices.allSatisfy { (0..<16).contains($0) })
    let picture = try model.reconstruct(encoded.codes)
    #expect(picture.shape == [3, 32, 32])
    #expect(picture.values.allSatisfy { $0.isFinite })
  }

  @Test("Each position takes the code of the largest cosine, of its own group's rows")
  func nearest() throws {
    let model = try ParityCase.star.model()
    let codebook = try model.codebook()
    let encoded = try #require(try model.encode(try ParityCase.star.picture().image).mgvq)
    let positions = encoded.codes.height * encoded.codes.width
    for group in 0..<codebook.groups {
      for position in 0..<positions {
        let vector = (0..<codebook.dimension).map {
          Double(encoded.latent.values[(group * codebook.dimension + $0) * positions + position])
        }
        let cosines = (0..<codebook.codesPerGroup).map { code in
          let row = codebook.codes[row: group * codebook.codesPerGroup + code].values
          return zip(vector, row).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        let best = cosines.indices.reduce(0) { cosines[$1] > cosines[$0] ? $1 : $0 }
        #expect(Int(encoded.codes.indices[group * positions + position]) == best)
      }
    }
  }

  @Test("The codebook's rows have norm 1, and code vectors are its rows")
  func vectors() throws {
    let model = try ParityCase.twoVocos.model()
    let codebook = try model.codebook()
    for row in 0..<codebook.codes.shape[0] {
      let squares = codebook.codes[row: row].values.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(squares - 1) < 1e-6)
    }
    let mgvq = try #require(try model.encode(try ParityCase.twoVocos.picture().image).mgvq)
    let (group, row, column) = (2, 1, 3)
    let code = group * codebook.codesPerGroup + mgvq.codes[group, row, column]
    for channel in 0..<codebook.dimension {
      #expect(mgvq.quantized[group * codebook.dimension + channel, row, column] == codebook.codes[code, channel])
    }
  }

  @Test("Decoding the first groups alone reads zero in the others")
  func firstGroups() throws {
    let model = try ParityCase.star.model()
    let codes = try #require(try model.encode(try ParityCase.star.picture().image).mgvq).codes
    let all = try model.reconstruct(codes, groups: 0..<8)
    #expect(all == (try model.reconstruct(codes)))
    let some = try model.reconstruct(codes, groups: 0..<2)
    var changed = codes.indices
    for index in 2 * 25..<8 * 25 { changed[index] = (changed[index] + 1) % 32 }
    let other = CodeGrid(groups: 8, height: 5, width: 5, indices: changed)
    #expect(some == (try model.reconstruct(other, groups: 0..<2)))
    #expect(relativeError(some, all) > 1e-3)
  }

  @Test("Widths that do not fit together are refused by their key")
  func refused() throws {
    let cases: [([String: Any], String)] = [
      (["encoder_width_list": [8, 16, 16, 18, 32]], "encoder_width_list"),
      (["encoder_width_list": [8, 16, 16, 16, 16]], "EViT_GLU"),
      (["decoder_width_list": [8, 18, 16, 32, 32]], "decoder_width_list"),
      (["latent_channels": 12], "latent_channels (12)"),
      (["encoder_depth_list": [0, 1, 0, 1, 1], "decoder_depth_list": [0, 1, 0, 1, 1]], "empty stage 2"),
    ]
    for (keys, reason) in cases {
      let configuration = try SyntheticModel.configuration(mgvq: keys)
      let error = #expect(throws: ModelError.self) { try HTCVLMModel.expectedTensors(configuration) }
      #expect(error?.description.contains(reason) == true, "\(reason): \(String(describing: error))")
    }
  }
}
