import Experiments
import Foundation
import HTCVLM
import Statistics
import Tensor
import Testing
import Trace

@Suite("Quantizers of other programs")
struct DumpedCodesTests {
  private func path(_ name: String) -> String {
    NSTemporaryDirectory() + "vocoscope-codes-\(UInt64.random(in: 0 ... .max))-\(name)"
  }

  /// An `.npy` file as NumPy 2 writes it.
  private func npy(_ type: String, _ shape: String, _ bytes: [UInt8], order: String = "False") -> Data {
    var header = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }"
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let length = header.utf8.count
    return Data(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(header.utf8) + bytes)
  }

  private func grids(_ data: Data, groups: Int, axis: Int? = nil) throws -> [CodeGrid] {
    let path = path("codes.npy")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try data.write(to: URL(fileURLWithPath: path))
    return try DumpedCodes(path: path, groups: groups, axis: axis).grids
  }

  @Test("Pictures, codebooks and places are told by the shape, wherever the codebooks' axis is")
  func shapes() throws {
    let bytes = (0..<24).map { UInt8($0) }
    let single = try grids(npy("|u1", "(2, 3, 4)", bytes), groups: 1)
    #expect(
      single.count == 2 && single[1].height == 3 && single[1].width == 4
        && single[1].indices == (12..<24).map(Int32.init))
    let first = try grids(npy("|u1", "(2, 3, 4)", bytes), groups: 2)
    #expect(first.count == 3 && first[0].indices == [0, 1, 2, 3, 12, 13, 14, 15])
    let last = try grids(npy("|u1", "(3, 4, 2)", bytes), groups: 2)
    #expect(last.count == 3 && last[0].indices == [0, 2, 4, 6, 1, 3, 5, 7])
    let flat = try grids(npy("|u1", "(24,)", bytes), groups: 1)
    #expect(flat.count == 1 && flat[0].width == 24)
    let wide = (0..<4).flatMap { withUnsafeBytes(of: Int64($0 * 1000).littleEndian, Array.init) }
    #expect(try grids(npy("<i8", "(1, 2, 2)", wide), groups: 1)[0].indices == [0, 1000, 2000, 3000])
  }

  @Test("An axis that could be several's, and arrays that are no codes, are refused by name")
  func refused() throws {
    let bytes = [UInt8](repeating: 1, count: 8)
    func sentence(_ data: Data, groups: Int = 1, axis: Int? = nil) -> String {
      do { return "\(try grids(data, groups: groups, axis: axis).count) grids" } catch { return "\(error)" }
    }
    #expect(sentence(npy("|u1", "(2, 2, 2)", bytes), groups: 2).contains("several axes could be"))
    #expect(sentence(npy("|u1", "(2, 2, 2)", bytes), groups: 2, axis: 1) == "2 grids")
    #expect(sentence(npy("|u1", "(2, 4)", bytes), groups: 3).contains("no axis is that of 3 codebooks"))
    #expect(sentence(npy("<f4", "(2,)", bytes)).contains("is of type '<f4'"))
    #expect(sentence(npy(">i2", "(4,)", bytes)).contains("is of type '>i2'"))
    #expect(sentence(npy("|u1", "(9,)", bytes)).contains("has 8 bytes for 9 elements"))
    #expect(sentence(npy("|u1", "(4611686018427387904, 8)", bytes)).contains("whole numbers"))
    #expect(sentence(npy("|u1", "(8,)", bytes, order: "True")).contains("Fortran's order"))
    #expect(sentence(npy("|i1", "(8,)", [0xFF] + bytes.dropFirst())).contains("holds -1"))
    #expect(sentence(Data("no array".utf8)).contains("is not a ZIP archive"))
  }

  private func stack(_ shapes: [String: [Int]], key: String? = nil) throws -> CodebookStack {
    var generator = SplitMix64(seed: 3)
    let tensors = shapes.map { name, shape in
      StoredTensor(
        name: name,
        tensor: Tensor(
          shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &generator) }))
    }
    return try CodebookStack(
      tensors: Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) }), path: "file", key: key)
  }

  @Test("Codebooks are found by key and shape: alone, with heads, in residual and grouped stacks, and as columns")
  func found() throws {
    #expect(try stack(["quantize.embedding.weight": [16, 4], "encoder.conv_in.weight": [8, 3, 3, 3]]).groups == 1)
    let heads = try stack(["vq._codebook.embed": [2, 16, 4], "vq._codebook.cluster_size": [2, 16]])
    #expect(heads.groups == 2 && heads.embedding.shape == [32, 4] && heads.clusterSizes?.count == 32)
    let layers = Dictionary(uniqueKeysWithValues: (0..<12).map { ("vq.layers.\($0)._codebook.embed", [1, 16, 4]) })
    let residual = try stack(layers)
    #expect(
      residual.groups == 12 && residual.names[2] == "vq.layers.2._codebook.embed" && residual.names[11].contains("11"))
    let grouped = try stack([
      "rvqs.0.layers.0._codebook.embed": [1, 8, 2], "rvqs.1.layers.0._codebook.embed": [1, 8, 2],
    ])
    #expect(grouped.groups == 2)
    let columns = try stack(["quantize_t.embed": [4, 16], "quantize_t.cluster_size": [16]])
    #expect(columns.embedding.shape == [16, 4])
  }

  @Test("Several shapes need a choice, and a file without codebooks is called so")
  func several() throws {
    let two = ["quantize_t.embedding.weight": [16, 4], "quantize_b.embedding.weight": [32, 4]]
    #expect { try stack(two) } throws: { "\($0)".contains("several shapes") && "\($0)".contains("--codebook NAME") }
    #expect(try stack(two, key: "quantize_b").embedding.shape == [32, 4])
    #expect { try stack(["model.embed_tokens.weight": [16, 4], "text.embedding.weight": [9, 4]]) } throws: {
      "\($0)".contains("holds no codebook")
    }
  }
}
