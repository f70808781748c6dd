/// The way of a picture through the model, one stage after another.
package enum DemoStage: Int, Sendable, CaseIterable {
  case picture, patches, codes, anchors, mask, voco, answer

  package var title: String {
    switch self {
    case .picture: "picture"
    case .patches: "patches"
    case .codes: "codes"
    case .anchors: "anchors"
    case .mask: "mask"
    case .voco: "voco"
    case .answer: "answer"
    }
  }
}
