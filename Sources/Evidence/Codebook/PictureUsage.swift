package import Statistics
package import Tensor
package import Trace

/// What pictures tell of a codebook: usage, places, co-occurrence, margins and anchors, added up in memory that does not
/// grow with the pictures.
package struct PictureUsage: Sendable {
  package private(set) var usage: CodeUsage
  package private(set) var coOccurrence: CoOccurrence
  /// `nil` before the first picture, and for grids too large to count place by place.
  package private(set) var positions: PositionUsage?
  /// `[G]`, over every place of every picture.
  package private(set) var margins: [Moments]
  package private(set) var anchors: AnchorAccumulator?
  private let codebook: Codebook

  package init(_ codebook: Codebook) {
    self.codebook = codebook
    usage = CodeUsage(groups: codebook.groups, codesPerGroup: codebook.codesPerGroup)
    coOccurrence = CoOccurrence(groups: codebook.groups, codesPerGroup: codebook.codesPerGroup)
    margins = [Moments](repeating: Moments(), count: codebook.groups)
  }

  package var pictures: Int { usage.pictures }

  /// Adds a picture: its codes and, if they are at hand, the latent `[C, h, w]` that they were chosen for, its anchors
  /// `[A, D]` with what stands before their projector's activations, and its patch tokens `[P, D]`.
  ///
  /// - Throws: `EvidenceError.shape` if the codes do not fit the codebook.
  package mutating func add(
    _ codes: CodeGrid, latent: Tensor? = nil, anchors picture: Tensor? = nil,
    beforeActivations layers: [Tensor] = [], patches: Tensor? = nil
  ) throws(EvidenceError) {
    try usage.add(codes)
    try coOccurrence.add(codes)
    if usage.pictures == 1 {
      positions = PositionUsage(
        groups: codes.groups, height: codes.height, width: codes.width, codesPerGroup: codebook.codesPerGroup)
    }
    try positions?.add(codes)
    if let latent {
      for (group, places) in try codebook.margins(latent).enumerated() {
        for place in places { margins[group].add(place.margin) }
      }
    }
    guard let picture else { return }
    if anchors == nil { anchors = AnchorAccumulator(anchors: picture.shape[0], dimension: picture.shape[1]) }
    anchors?.add(picture, beforeActivations: layers, patches: patches)
  }
}
