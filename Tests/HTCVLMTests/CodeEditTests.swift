import HTCVLM
import Tensor
import TestSupport
import Testing
import Trace

@Suite("Other codes")
struct CodeEditTests {
  @Test(
    "Leaving out a cell, a group or one code changes the anchors as projecting zeros there does", arguments: [0, 2])
  func ablation(_ index: Int) throws {
    let parity = ParityCase.all[index]
    let model = try parity.model()
    let visual = try model.encode(try parity.picture().image)
    let ablation = try model.anchorAblation(visual)
    let mgvq = try #require(visual.mgvq)
    let codes = mgvq.codes
    let plane = codes.height * codes.width
    let channels = mgvq.quantized.shape[0] / codes.groups
    func change(_ isOut: (_ group: Int, _ place: Int) -> Bool) -> [Double] {
      var values = mgvq.quantized.values
      for index in values.indices where isOut(index / plane / channels, index % plane) { values[index] = 0 }
      let other = model.projected(Tensor(shape: mgvq.quantized.shape, values: values))
      return (0..<other.shape[0]).map { anchor in
        let (a, b) = (visual.anchors[row: anchor].values, other[row: anchor].values)
        let distance = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        return (distance / a.reduce(0.0) { $0 + Double($1) * Double($1) }).squareRoot()
      }
    }
    func agrees(_ found: (Int) -> Float, _ expected: [Double]) -> Bool {
      expected.indices.allSatisfy { abs(Double(found($0)) - expected[$0]) < 1e-4 * max(1, expected[$0]) }
    }
    for place in [0, 7, plane - 1] {
      let expected = change { $1 == place }
      #expect(expected.contains { $0 > 1e-3 })
      #expect(agrees({ ablation.cells[$0, place] }, expected))
    }
    for group in [0, codes.groups - 1] {
      #expect(agrees({ ablation.groups[$0, group] }, change { own, _ in own == group }))
      let single = try #require(ablation.codes)
      #expect(agrees({ single[$0, group, 3] }, change { $0 == group && $1 == 3 }))
    }
  }

  @Test("A run on the picture's own codes is the run itself, and on others it says so in its provenance")
  func rerun() throws {
    let pipeline = try ParityCase.star.pipeline()
    let (picture, request) = (try ParityCase.star.picture(), try ParityCase.star.request())
    let plain = try pipeline.trace(picture, request)
    let own = try #require(plain.mgvq?.codes)
    let same = try pipeline.trace(picture, request, codes: own, edits: "")
    #expect(same == plain)

    var indices = own.indices
    for index in indices.indices { indices[index] = (indices[index] + 1) % 32 }
    let other = CodeGrid(groups: own.groups, height: own.height, width: own.width, indices: indices)
    let edited = try pipeline.trace(picture, request, codes: other, edits: "all codes, one further")
    #expect(edited.mgvq?.codes == other && edited.vision == plain.vision)
    #expect(edited.anchors != plain.anchors && edited.mgvq?.reconstruction != plain.mgvq?.reconstruction)
    #expect(edited.language?.attentionVoco != plain.language?.attentionVoco)
    #expect(edited.provenance.edits == "all codes, one further" && plain.provenance.edits.isEmpty)
    // The edit leaves nothing behind in the pipeline.
    #expect(try pipeline.trace(picture, request).language == plain.language)
  }
}
