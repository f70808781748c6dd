package import HTCVLM
import Trace

/// What one donor lends to a picture, each computed when it is first asked for.
///
/// Under the star mask a visual row sees nothing of the others, so the donor's own run holds everything; under the causal
/// mask each is the picture's own run with only the anchors, or only the patches, replaced, so that nothing else of the
/// donor rides along.
package final class DonorContexts {
  private let model: HTCVLMModel
  private let plain: VisualCache
  private let donor: VisualCache
  private lazy var whole = model.donor(donor)

  package init(_ model: HTCVLMModel, plain: VisualCache, donor: VisualCache) {
    self.model = model
    self.plain = plain
    self.donor = donor
  }

  private var ofAnchors: DonorContext?
  private var ofPatches: DonorContext?

  var visual: DonorContext { whole }

  package var anchors: DonorContext {
    get throws {
      if let ofAnchors { return ofAnchors }
      let made = plain.isStar ? whole : try model.donor(plain, replacing: .anchors, by: donor.visual)
      ofAnchors = made
      return made
    }
  }

  package var patches: DonorContext {
    get throws {
      if let ofPatches { return ofPatches }
      let made = plain.isStar ? whole : try model.donor(plain, replacing: .patches, by: donor.visual)
      ofPatches = made
      return made
    }
  }

  /// The donor's run itself.
  var cache: VisualCache { donor }
}
