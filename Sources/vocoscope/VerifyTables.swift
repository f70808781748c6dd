import Evidence
import Statistics

/// The maps and rows of a run as plain text.
struct VerifyTables {
  private let measurements: EvidenceReport.Measurements
  private let run: EvidenceRun

  init(_ measurements: EvidenceReport.Measurements, layout run: EvidenceRun) {
    self.measurements = measurements
    self.run = run
  }

  var lines: [String] { numberLines + mapLines + rowLines }

  private var numberLines: [String] {
    guard !measurements.numbers.isEmpty else { return [] }
    let width = measurements.numbers.map(\.label.count).max() ?? 0
    return ["", "numbers: mean over pictures (ratios: geometric) and 95 % BCa interval"]
      + measurements.numbers.map { number in
        let unit = number.unit == .ratio || number.unit == .part ? "" : " \(number.unit.rawValue)"
        return "  \(Self.padded(number.label, width))  \(number.text)\(unit)  n = \(number.n)"
      }
  }

  private var mapLines: [String] {
    let maps = measurements.maps
    let signs = maps.liftDirection.map { $0.map(Self.sign) }
    var lines =
      ["", "attends, lift by layer (down) and head; + above, - below even attention over the visual keys, at 5 % (BH)"]
      + Self.table(zip(maps.lift, signs).map { values, signs in zip(values, signs).map { Self.number($0) + $1 } })
    if maps.normWeightedLift.joined().contains(where: { $0 != nil }) {
      lines +=
        ["", "contributes, lift of α·‖v·W_o‖ by layer and head"]
        + Self.table(maps.normWeightedLift.map { $0.map(Self.number) })
    }
    if !maps.layerKL.isEmpty {
      lines += ["", "causes, KL in nats with the anchors cut in one layer; \(Self.matched)"]
      for (layer, kl) in maps.layerKL.enumerated() {
        lines.append(
          "  layer \(layer + 1)  \(significant(kl))\(Self.sign(maps.layerDirection[layer])) "
            + "(random \(significant(maps.layerMatchedKL[layer])))")
      }
    }
    if !maps.layerKL.isEmpty {
      lines.append("  The last layer's cut cannot reach the text, which reads voco's keys and values of each layer.")
    }
    guard !maps.headKL.isEmpty else { return lines }
    lines +=
      ["", "causes, KL in millinats with the anchors cut in one head; \(Self.matched)"]
      + Self.table(
        zip(maps.headKL, maps.headDirection).map { values, signs in
          zip(values, signs).map { Self.number(1000 * $0) + Self.sign($1) }
        })
    return lines + ["  as many random patches:"]
      + Self.table(maps.headMatchedKL.map { $0.map { Self.number(1000 * $0) } })
  }

  private static let matched = "+ more, - less than as many random patches, at 5 % (BH)"

  /// The paper's heat map in per mille, and all patches beside it.
  private var rowLines: [String] {
    guard let first = measurements.rows.first else { return [] }
    let shown = min(VocoRow.firstPatches, first.patches.count)
    let heads =
      (1...first.anchors.count).map { "A\($0)" } + (1...max(shown, 1)).prefix(shown).map { "P\($0)" } + ["all P"]
    let perMille = { (value: Double) in decimal(1000 * value, digits: 1) }
    let rows = measurements.rows.map { row in
      row.anchors.map(perMille) + row.patches.prefix(shown).map(perMille) + [perMille(row.patches.reduce(0, +))]
    }
    let names = measurements.rows.map { $0.name }
    return [
      "",
      "the paper's heat map: <voco> over \(first.anchors.count) anchors and the first \(shown) of "
        + "\(first.patches.count) patches, in per mille (\(VocoRow.formula))",
    ] + Self.table([heads] + rows, names: [""] + names)
  }

  private static func sign(_ direction: CellFinding.Direction) -> String {
    switch direction {
    case .above: "+"
    case .below: "-"
    case .none: " "
    }
  }

  private static func number(_ value: Double?) -> String { value.map { significant($0) } ?? "·" }

  private static func table(_ cells: [[String]], names: [String]? = nil) -> [String] {
    let width = (cells.joined().map(\.count).max() ?? 0) + 1
    let longest = names?.map(\.count).max() ?? 0
    return cells.enumerated().map { row, values in
      let name = names.map { padded($0[row], longest) } ?? "layer \(row + 1)"
      return "  \(name)" + values.map { String(repeating: " ", count: width - $0.count) + $0 }.joined()
    }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
