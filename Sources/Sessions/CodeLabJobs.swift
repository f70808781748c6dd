import Evidence
import HTCVLM
import ImageLoading
import Inspector
import Synchronization
import Tensor
import Trace

extension ModelWorker {
  /// What the code debugger asks of the model; results are posted as `.codeLab`.
  func perform(_ request: CodeLabRequest) {
    start { [self] pipeline, cancellation in
      let visual = try pipeline.encoding(picture, cancellation: cancellation)
      guard let mgvq = visual.mgvq else {
        throw ModelError.noQuantizer(family: pipeline.model.configuration.family)
      }
      switch request {
      case .decode(let request):
        mailbox.post(.codeLab(.decoded(try decode(request, mgvq, pipeline.model))))
      case .provenance(let edits):
        let edited = try pipeline.model.replacing(codes: mgvq.codes.applying(edits), in: visual)
        mailbox.post(
          .codeLab(.provenance(try pipeline.model.anchorAblation(edited), edits: edits)))
      case .run(let edits, let prompt):
        let mailbox = mailbox
        let trace = try pipeline.trace(
          picture, Pipeline.Request(prompt: prompt, options: options.generation),
          codes: mgvq.codes.applying(edits), edits: edits.words, progress: { mailbox.post(.progress($0)) },
          cancellation: cancellation)
        mailbox.post(.codeLab(.edited(trace, edits: edits)))
      case .save: preconditionFailure("the run loop writes files")
      }
    }
  }

  /// All codes decoded; kept, since every variant of a grid is compared with it.
  private func whole(_ codes: CodeGrid, _ model: HTCVLMModel) throws -> Tensor {
    if let kept = state.withLock({ $0.whole }), kept.codes == codes { return kept.picture }
    let picture = try model.decode(model.codeVectors(codes))
    state.withLock { $0.whole = (codes, picture) }
    return picture
  }

  private func decode(
    _ request: DecodeRequest, _ mgvq: MGVQTrace, _ model: HTCVLMModel
  ) throws -> DecodeResult {
    let codes = mgvq.codes.applying(request.edits)
    let whole = try whole(codes, model)
    let decoded = try model.decode(request.variant.vectors(codes, model.codeVectors))
    let original = mgvq.pixelValues
    return DecodeResult(
      request, decoded: decoded, original: original, whole: whole,
      psnr: PictureQuality.psnr(original, decoded, range: 2), ssim: PictureQuality.ssim(original, decoded, range: 2),
      error: PictureQuality.errorMap(original, decoded), latent: codes.width)
  }
}
