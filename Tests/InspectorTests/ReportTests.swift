import Evidence
import Foundation
import Inspector
import Tensor
import TerminalUI
import Testing
import Trace

@Suite("Reports")
struct ReportTests {
  @Test("The attention report holds the trace's numbers under the view's choices")
  func attention() throws {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    #expect(state.report(.attention)[fact: "layer"] == .text("1–2, live"))
    state.type("]]}")
    #expect(state.report(.attention)[fact: "layer"] == .text("2/3"))
    let report = state.report(.attention)
    let row = synthetic.language.attentionVoco
    let patches = try #require(report.tables.first { $0.title == "patches, share" })
    let offset = (1 * synthetic.heads + 0) * synthetic.length + 1 + synthetic.anchors
    #expect(patches.rows[2][4] == .number(Double(row.values[offset + 2 * synthetic.grid + 3])))
    let anchors = (1...4).reduce(0.0) { $0 + Double(row.values[(1 * synthetic.heads) * synthetic.length + $1]) }
    guard case .share(let share)? = report[fact: "anchor share"] else { return #expect(Bool(false)) }
    #expect(abs(share - anchors) < 1e-12)
  }

  @Test("Every code of every group is in the anchors report")
  func codes() throws {
    let synthetic = SyntheticTrace()
    let report = InspectorState.complete(synthetic).report(.anchors)
    for group in 0..<synthetic.groups {
      let table = try #require(report.tables.first { $0.title == "codes of group \(group + 1)" })
      for row in 0..<synthetic.latent {
        for column in 0..<synthetic.latent {
          #expect(table.rows[row][column + 1] == .integer(synthetic.mgvq.codes[group, row, column]))
        }
      }
    }
  }

  @Test("The nearest codes are found by distance to the normalized latent vector")
  func nearest() throws {
    var synthetic = SyntheticTrace()
    synthetic.codesPerGroup = 40
    let (mgvq, codebook) = (synthetic.mgvq, synthetic.codebook)
    let choice = try #require(
      codebook.codebook.nearest(to: mgvq.latent, row: 3, column: 2, group: 1))
    let plane = synthetic.latent * synthetic.latent
    var vector = (0..<4).map { Double(mgvq.latent.values[(4 + $0) * plane + 3 * synthetic.latent + 2]) }
    let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    vector = vector.map { $0 / norm }
    let distances = (0..<40).map { code -> Double in
      (0..<4).reduce(0.0) { $0 + pow(vector[$1] - Double(codebook.groups[1].values[code * 4 + $1]), 2) }.squareRoot()
    }
    let sorted = distances.indices.sorted { distances[$0] < distances[$1] }
    #expect(choice.map(\.code) == Array(sorted.prefix(5)))
    #expect(abs((choice.margin ?? 0) - (distances[sorted[1]] - distances[sorted[0]])) < 1e-6)
  }

  @Test("A codebook that does not fit the trace gives no choice instead of a crash")
  func misfit() {
    let synthetic = SyntheticTrace()
    let other = SyntheticTrace(groups: 1).mgvq
    let codebook = synthetic.codebook.codebook
    #expect(codebook.nearest(to: other.latent, row: 0, column: 0, group: 1) == nil)
    #expect(codebook.nearest(to: synthetic.mgvq.latent, row: 0, column: 0, group: 7) == nil)
  }

  @Test("Attention on a blocked edge is found and said")
  func blockedEdge() throws {
    let synthetic = SyntheticTrace()
    #expect(
      InspectorState.complete(synthetic).report(.mask)[fact: "blocked edges"]?.text.hasPrefix("carry 0.0") == true)
    var whole = InspectorState.complete(synthetic, size: Size(width: 80, height: 24))
    whole.post(.command(.maskPanel))
    #expect(
      whole.report(.mask)[fact: "blocked edges"]?.text.contains("checked in 2 recorded rows of \(synthetic.length)")
        == true)
    #expect(view(whole, size: whole.size).frame.text.contains("blocked edges of 2 recorded rows"))
    var trace = synthetic.trace
    let language = try #require(trace.language)
    var values = language.attentionVoco.values
    values[synthetic.length - 1] = 0.25
    trace.language?.attentionVoco = Tensor(shape: language.attentionVoco.shape, values: values)
    var state = InspectorState.complete(synthetic)
    state.post(.trace(trace))
    #expect(state.report(.mask)[fact: "blocked edges"] == .text("✗ one carries 0.25"))
  }

  @Test("A lift over almost nothing is as short in a report as on the screen, and a number for programs")
  func lifts() throws {
    let synthetic = SyntheticTrace()
    var trace = synthetic.trace
    let attention = try #require(trace.language?.attentionVoco)
    let anchors = 1..<1 + synthetic.anchors
    let values = attention.values.enumerated().map { index, value in
      anchors.contains(index % synthetic.length) ? value : value * 1e-20
    }
    trace.language?.attentionVoco = Tensor(shape: attention.shape, values: values)
    var state = InspectorState.complete(synthetic)
    state.post(.trace(trace))
    let report = state.report(.attention)
    let lift = try #require(report[fact: "lift"])
    #expect(lift.text == ">×999" && (Double(lift.plain) ?? 0) > 1e6)
    let text = ReportText.text([report, state.report(.anchors)])
    #expect(text.contains(">×999") && !text.contains(#/×[0-9]{4}/#))
    #expect(ReportValue.lift(4.8e16).text == ">×999" && ReportValue.lift(4.8e16).plain == "4.8e+16")
    #expect(ReportValue.times(1164).text == "×1164")
  }

  @Test("The mask's blocks count the allowed edges")
  func maskBlocks() throws {
    let synthetic = SyntheticTrace()
    let sequence = synthetic.sequence
    let mask = MaskStatistics(sequence, language: nil, vocoPosition: nil)
    let total = mask.allowed.flatMap { $0 }.reduce(0, +)
    #expect(total == sequence.mask.count { $0 != 0 })
    #expect(mask.allowed[2][2] == synthetic.patches)
    #expect(mask.allowed[1][1] == synthetic.anchors)
  }

  @Test("JSON has numbers as numbers and parses back")
  func json() throws {
    var state = InspectorState.complete()
    state.postCompression()
    state.post(.compared(SyntheticTrace().second))
    let json = ReportText.json(state.reports)
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    let panels = try #require(object?["panels"] as? [[String: Any]])
    #expect(panels.compactMap { $0["panel"] as? String } == Panel.allCases.map(\.name))
    let facts = try #require(panels[1]["facts"] as? [[String: Any]])
    let share = facts.first { $0["name"] as? String == "anchor share" }?["value"] as? Double
    let shown = try #require(state.map?.view.shares.anchors)
    #expect(abs((share ?? 0) - shown) < 1e-12)
  }

  @Test("Every record of the CSV has five fields, whatever the answer holds")
  func csv() {
    var state = InspectorState.complete()
    var trace = SyntheticTrace().trace
    trace.generation?.text = "a \"big\", red\ncat"
    state.post(.trace(trace))
    for record in records(ReportText.csv(state.reports)) { #expect(record.count == 5) }
  }

  @Test("Values that were not measured are null in JSON and empty in CSV")
  func missing() throws {
    #expect(ReportValue.missing.plain == "")
    #expect(ReportValue.number(.nan).plain == "")
    let values: [ReportValue] = [.missing, .number(.nan), .share(0.5)]
    #expect(String(decoding: try JSONEncoder().encode(values), as: UTF8.self) == "[null,null,0.5]")
  }

  @Test("Without anchors no report tells of theirs, and the matrix over layers and heads shows the patches' share")
  func withoutAnchors() {
    let state = InspectorState.complete(SyntheticTrace(anchors: 0))
    let attention = ReportText.text([state.report(.attention)])
    #expect(!attention.contains("anchor") && !attention.contains("lift over"))
    #expect(attention.contains("layer × head, share of the") && attention.contains("patch share"))
    let verdict = ReportText.text([state.report(.verdict)])
    #expect(verdict.contains("no anchors") && !verdict.contains("Rule of") && !verdict.contains("not measured"))
  }

  @Test("A report of a run under way says what is not there yet")
  func partial() {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 80, height: 24))
    state.post(.trace(SyntheticTrace().start))
    let text = ReportText.text(state.reports)
    #expect(text.contains("The decoder has not run yet."))
    #expect(text.contains("The codes are not computed yet."))
    #expect(text.contains("The sequence is not laid out yet."))
  }

  @Test("An export asks for the focused panel in the format chosen", arguments: ExportFormat.allCases)
  func export(format: ExportFormat) throws {
    var state = InspectorState.complete()
    state.type("2e")
    for _ in ExportFormat.allCases.prefix(while: { $0 != format }) { state.press(.down) }
    guard case .export(let file)? = state.press(.enter).first else { return #expect(Bool(false), "no export") }
    let isScreen = format == .frame || format == .ansi
    #expect(file.name == "chelsea-\(isScreen ? "screen" : "attention").\(format.fileExtension)")
    #expect(file.panel == .attention && file.format == format)
  }

  @Test("The finder goes to anchors, patches, tokens and codes")
  func find() {
    var state = InspectorState.complete()
    state.type("/3,4")
    state.press(.enter)
    #expect(state.cursor.patch == GridPoint(column: 4, row: 3))
    state.type("/A3")
    state.press(.enter)
    #expect(state.cursor.key == .anchor(2))
    state.type("/voco")
    state.press(.enter)
    #expect(state.cursor.key == .position(SyntheticTrace().voco))
    let code = SyntheticTrace().mgvq.codes[1, 2, 3]
    state.type("/code \(code)")
    let found = state.choices.contains {
      $0.target == .code(group: 1, cell: GridPoint(column: 3, row: 2))
    }
    #expect(found)
    state.press(.escape)
    state.type("7/part7")
    #expect(state.choices.count == 5)
    state.press(.enter)
    #expect(state.tensorRow == 7)
  }

  @Test("Help lists what works here, and a search says why something does not")
  func help() {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 80, height: 24))
    state.type("?")
    #expect(!state.choices.contains { $0.target == .command(.metric) })
    #expect(state.choices.contains { $0.target == .command(.quit) })
    state.type("metric")
    #expect(state.choices.first?.target == .command(.metric))
    #expect(state.choices.first?.obstacle == "the decoder has not run yet")
  }

  /// Records of RFC 4180 text.
  private func records(_ csv: String) -> [[String]] {
    var records: [[String]] = []
    var record = [""]
    var isQuoted = false
    for character in csv {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: record.append("")
      case "\r\n" where !isQuoted:
        records.append(record)
        record = [""]
      default: record[record.count - 1].append(character)
      }
    }
    return records
  }
}
