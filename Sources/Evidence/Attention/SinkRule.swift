import Statistics
import Tensor

/// When a key counts as an attention sink.
///
/// Xiao et al. (arXiv 2309.17453) describe sinks as keys that most heads attend to whatever they hold; Gu et al.
/// (arXiv 2410.10781) call a key a sink above a share of 0.3. The rule joins both: far above uniform, or above 0.3,
/// in most heads of a layer. A sink by this rule may still be attended for what it holds: the order control tells.
package struct SinkRule: Sendable, Hashable, Codable {
  /// A share above this multiple of 1 / (visible keys) …
  package var uniformMultiple: Double
  /// … or above this share, whichever is smaller, …
  package var share: Double
  /// … in at least this fraction of the heads.
  package var headFraction: Double

  package init(uniformMultiple: Double = 25, share: Double = 0.3, headFraction: Double = 0.5) {
    self.uniformMultiple = uniformMultiple
    self.share = share
    self.headFraction = headFraction
  }

  /// The share above which a head counts a key, for a row with `visible` keys.
  package func threshold(visible: Int) -> Double { min(share, uniformMultiple / Double(visible)) }

  /// The rule in words, as printed beside everything that leaves sinks out.
  package func sentence(visible: Int) -> String {
    let percent = decimal(100 * threshold(visible: visible), digits: 1)
    return
      "Sinks: the prefix, and any key with more than \(percent) % of a head's attention "
      + "(\(decimal(uniformMultiple, digits: 0))× uniform, at most \(decimal(100 * share, digits: 0)) %) "
      + "in at least \(decimal(100 * headFraction, digits: 0)) % of the heads."
  }
}

extension VocoAttention {
  /// The sinks of the chosen layers by `rule`, over all their heads, ascending; the prefix always included.
  package func sinks(_ layer: LayerSelection, rule: SinkRule = SinkRule()) -> [Int] {
    let threshold = Float(rule.threshold(visible: layout.visible.count))
    var counts = [Int](repeating: 0, count: layout.length)
    let chosen = layers(of: layer)
    let values = attention.values
    for layer in chosen {
      for head in 0..<heads {
        let offset = (layer * heads + head) * layout.length
        for key in layout.visible where values[offset + key] > threshold { counts[key] += 1 }
      }
    }
    let needed = rule.headFraction * Double(chosen.count * heads)
    let prefix = Set(layout.prefix)
    return layout.visible.filter { prefix.contains($0) || (counts[$0] > 0 && Double(counts[$0]) >= needed) }
  }
}
