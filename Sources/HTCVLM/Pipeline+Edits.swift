package import Trace

extension Pipeline {
  /// The picture's encoding, kept from an earlier run or made now.
  package func encoding(
    _ picture: PictureSource, cancellation: CancellationFlag = CancellationFlag()
  ) throws -> VisualEncoding {
    try encoding(picture, run: RunContext(cancellation: cancellation))
  }

  /// Runs a picture with other codes: from the code vectors on, everything is computed again; the vision tower's features
  /// are used again. `edits` says in the provenance what was changed.
  package func trace(
    _ picture: PictureSource, _ request: Request, codes: CodeGrid, edits: String,
    progress: @escaping @Sendable (StageProgress) -> Void = { _ in },
    cancellation: CancellationFlag = CancellationFlag()
  ) throws -> Trace {
    var provenance = provenance(picture, request.prompt)
    provenance.edits = edits
    let tokens = try model.tokenize(request.prompt)
    let visual = try model.replacing(
      codes: codes, in: encoding(picture, run: RunContext(cancellation: cancellation)))
    let recorder = TraceRecorder(provenance: provenance, model: model.description)
    let run = RunContext(observer: recorder, progress: progress, cancellation: cancellation)
    visual.report(to: recorder)
    recorder.observe(sequence: try model.sequence(visual, request.intervention, text: tokens))
    let cache = try model.compress(visual, intervention: request.intervention, run: run)
    _ = try model.answer(request.prompt, from: cache, source: request.source, options: request.options, run: run)
    if request.reconstructs { _ = try model.reconstruct(codes, run: run) }
    return try finished(recorder)
  }
}
