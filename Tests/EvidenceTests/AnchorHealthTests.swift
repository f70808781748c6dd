import Evidence
import Foundation
import Statistics
import Tensor
import TestSupport
import Testing
import Trace

/// Anchors `[2, 6]` whose first value is 10 and which differ between pictures along `directions` of the others, equally.
private func anchors(_ picture: Int, directions: Int, size: Float = 0.01) -> Tensor {
  Tensor(shape: [2, 6]) { output in
    for index in output.indices { output[index] = index % 6 == 0 ? 10 : 0 }
    guard directions > 0 else { return }
    // Each direction is taken with both signs by as many pictures.
    output[1 + picture / 2 % directions] = picture % 2 == 0 ? size : -size
  }
}

private func health(_ pictures: Int, directions: Int, layers: [Tensor] = []) -> AnchorHealth {
  var health = AnchorHealth()
  for picture in 0..<pictures { health.add(anchors(picture, directions: directions), beforeActivations: layers) }
  return health
}

@Suite("Health of the anchor projector")
struct AnchorHealthTests {
  @Test("The rank over pictures counts the directions in which anchors differ, however little", arguments: 1...5)
  func rank(directions: Int) throws {
    let health = health(12 * directions, directions: directions)
    #expect(close(health.rank, Double(directions), 1e-4), "\(health.rank ?? -1)")
    #expect(health.isCollapsed == (directions < 2))
  }

  @Test("Anchors that never differ have rank 0, and seven pictures tell no rank")
  func constant() {
    #expect(health(12, directions: 0).rank == 0)
    #expect(health(12, directions: 0).isCollapsed)
    #expect(health(7, directions: 3).rank == nil && !health(7, directions: 3).isCollapsed)
  }

  @Test("Flat pre-activations are counted by layer, and units that are flat in every picture are dead")
  func saturation() {
    var health = AnchorHealth()
    for picture in 0..<10 {
      let first = Tensor(shape: [1, 4], values: [-3, picture < 5 ? -2.5 : 0, 1, 2])
      let second = Tensor(shape: [1, 2], values: [-1.9, 5])
      health.add(anchors(picture, directions: 3), beforeActivations: [first, second])
    }
    #expect(health.saturated == [0.375, 0] && health.dead == [0.25, 0])
    #expect(health.norms.count == 20 && close(health.normRange?.upperBound, 10, 1e-4))
  }

  @Test("A collapsed projector is a finding over pictures, with its numbers, and none of random codes")
  func finding() throws {
    let codebook = try Codebook(
      embedding: Tensor(shape: [4, 2], values: [1, 0, 0, 1, -1, 0, 0, -1]), groups: 1)
    var usage = PictureUsage(codebook)
    var probes = AnchorAccumulator(anchors: 2, dimension: 6)
    let layers = [Tensor(shape: [1, 1], values: [0]), Tensor(shape: [1, 2], values: [-5, 1])]
    for picture in 0..<12 {
      let codes = CodeGrid(groups: 1, height: 1, width: 2, indices: [Int32(picture % 4), Int32(picture / 4)])
      try usage.add(codes, anchors: anchors(picture, directions: 1), beforeActivations: layers)
      probes.add(anchors(picture, directions: 1), beforeActivations: layers)
    }
    let findings = CodebookReport(codebook, pictures: usage).findings.filter { $0.what == .collapsedProjector }
    #expect(
      findings.map(\.sentence) == [
        "The anchor projector collapsed: over 12 pictures the anchors vary along 1 directions (effective rank), and 50.0% of its "
          + "last pre-activations are where GELU is flat."
      ])
    #expect(findings.map(\.severity) == [.broken])
    #expect(!CodebookReport(codebook, probes: probes).findings.contains { $0.what == .collapsedProjector })
    let json =
      try JSONSerialization.jsonObject(
        with: JSONEncoder().encode(CodebookReport(codebook, pictures: usage))) as? [String: Any]
    let health = try #require((json?["anchors"] as? [String: Any])?["health"] as? [String: Any])
    #expect(health["collapsed"] as? Bool == true && health["saturated"] as? [Double] == [0, 0.5])
  }

  @Test("One run tells of anchors that are one vector, silent, or flat and far longer than patches")
  func run() throws {
    let patches = Tensor(shape: [2, 4], values: [1, 0, 0, 0, 0, 1, 0, 0])
    func collapse(_ values: [Float]) -> String? {
      ProjectorHealth(anchors: Tensor(shape: [2, 4], values: values), patches: patches)?.collapse
    }
    #expect(collapse([1, 2, 0.5, 0.3, -0.1, 1, 3, 0.2]) == nil)
    #expect(
      collapse([1, 2, 3, 4, 1, 2, 3, 4]) == "projector collapsed: the anchors are nearly one vector (mean cosine 1)")
    #expect(collapse([0, 0, 0, 0, 0, 0, 0, 0]) == "projector collapsed: the anchors are zero")
    #expect(collapse([.nan, 0, 0, 0, 0, 0, 0, 0]) == "projector collapsed: an anchor is not finite")
    // Half of the values are flat: what the answer depends on is how long the anchors are.
    #expect(collapse([1, 0, 0, 1, 0, 1, 1, -0.04]) == nil)
    #expect(
      collapse([30, 0, 0, 30, 0, 30, 30, -0.04])
        == "projector collapsed: GELU is flat at 50.0% of the anchors' values, and they are ×42.4 as long as patches")
    #expect(ProjectorHealth(anchors: .zeros([0, 4]), patches: patches) == nil)
  }
}
