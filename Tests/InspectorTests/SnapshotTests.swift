import Inspector
import TerminalUI
import TestSupport
import Testing

@Suite("Frame snapshots")
struct SnapshotTests {
  /// What is on screen in one recorded frame.
  struct Scene: Sendable, CustomTestStringConvertible {
    let name: String
    let size: Size
    let variants: [FrameSnapshot.Variant]
    let commands: [Command]

    var testDescription: String { name }
  }

  static let medium = Size(width: 120, height: 36)
  static let large = Size(width: 200, height: 60)
  static let small = Size(width: 80, height: 24)

  static let scenes: [Scene] = [
    Scene(name: "image-80x24", size: small, variants: [.trueColor, .mono], commands: [.overlay, .down, .right, .pin]),
    Scene(
      name: "attention-80x24", size: small, variants: FrameSnapshot.Variant.allCases,
      commands: [.attentionPanel, .nextLayer, .nextHead, .down, .right]),
    Scene(name: "anchors-80x24", size: small, variants: [.palette256, .ascii], commands: [.anchorsPanel, .nextGroup]),
    Scene(name: "mask-80x24", size: small, variants: [.ascii], commands: [.maskPanel]),
    Scene(name: "mask-cells-80x24", size: small, variants: [.palette256, .ascii], commands: [.maskPanel, .open]),
    Scene(name: "verdict-80x24", size: small, variants: [.mono], commands: [.verdictPanel]),
    Scene(name: "checkpoint-80x24", size: small, variants: [.mono], commands: [.checkpointPanel, .down]),
    Scene(name: "help-80x24", size: small, variants: [.mono], commands: [.help]),
    Scene(name: "explore-120x36", size: medium, variants: FrameSnapshot.Variant.allCases, commands: [.attentionPanel]),
    Scene(name: "explore-200x60", size: large, variants: [.mono], commands: [.attentionPanel]),
    Scene(name: "attention-workspace-120x36", size: medium, variants: [.mono], commands: [.workspace]),
    Scene(
      name: "all-200x60", size: large, variants: [.mono],
      commands: [.workspace, .workspace, .workspace, .workspace, .maskPanel, .open]),
    Scene(name: "image-200x60", size: large, variants: [.mono], commands: [.zoomIn]),
    Scene(name: "map-200x60", size: large, variants: [.mono], commands: [.attentionPanel, .zoomIn]),
    Scene(name: "heads-200x60", size: large, variants: [.mono], commands: [.attentionPanel, .zoomIn, .display]),
    Scene(
      name: "layers-120x36", size: medium, variants: [.mono], commands: [.attentionPanel, .zoomIn, .display, .display]),
    Scene(
      name: "matrix-120x36", size: medium, variants: [.mono, .ascii],
      commands: [.attentionPanel, .zoomIn, .display, .display, .display, .nextLayer, .nextHead, .open]),
    Scene(name: "mask-200x60", size: large, variants: [.mono], commands: [.maskPanel, .zoomIn]),
    Scene(name: "help-120x36", size: medium, variants: [.mono], commands: [.help]),
  ]

  @Test("Panels look as recorded, in colour, 256 colours, mono and ASCII", arguments: scenes)
  func scene(_ scene: Scene) {
    let failures = FrameSnapshot.failures(named: scene.name, variants: scene.variants) { look in
      var state = InspectorState.complete(.large, size: scene.size, glyphs: look.glyphs, depth: look.depth)
      state.post(.verdict(.recorded))
      for command in scene.commands { state.post(.command(command)) }
      return view(state, size: scene.size).frame
    }
    #expect(failures == [])
  }

  @Test("A knock-out stands beside the run", arguments: [FrameSnapshot.Variant.trueColor, .ascii])
  func knockOut(_ variant: FrameSnapshot.Variant) {
    let synthetic = SyntheticTrace.large
    let failures = FrameSnapshot.failures(named: "knock-out-120x36", variants: [variant]) { look in
      var state = InspectorState.complete(synthetic, size: Self.medium, glyphs: look.glyphs, depth: look.depth)
      state.post(.verdict(.recorded))
      state.post(.command(.selectAnchors))
      if case .knockOut(let request)? = state.post(.command(.knockOut)).first {
        state.post(.knockOutFinished(synthetic.knockOut(request)))
      }
      state.post(.command(.attentionPanel))
      return view(state, size: Self.medium).frame
    }
    #expect(failures == [])
  }
}
