/// Colours for things that have no order but a likeness, such as a book's codes: each from its place along the first
/// three principal components, so that near ones look alike and no colour says "more".
///
/// The first component, which parts them most, is lightness, which every eye and every grey screen keeps; the second and
/// third are the a* and b* of CIE L*a*b*, cut to what sRGB has at that lightness.
package struct CategoricalColors: Sendable, Hashable {
  /// One per vector.
  package let colors: [Color]

  /// - Parameter components: for each vector its first components, three or fewer; what is no finite number is grey.
  package init(components: [[Double]]) {
    // A scale of its own for each component would make much of the third, which may part nothing.
    let radius = (0..<3).map { axis in components.reduce(0) { max($0, abs(Self.value($1, axis) ?? 0)) } }
    let largest = radius.max() ?? 0
    colors = components.map { vector in
      guard largest > 0, let first = Self.value(vector, 0) else { return LabColor(lightness: 65, a: 0, b: 0).fitted }
      let place = (0..<3).map { (Self.value(vector, $0) ?? 0) / largest }
      let lightness = 65 + 25 * (radius[0] > 0 ? first / radius[0] : 0)
      return LabColor(lightness: lightness, a: 70 * place[1], b: 70 * place[2]).fitted
    }
  }

  private static func value(_ vector: [Double], _ axis: Int) -> Double? {
    guard axis < vector.count else { return axis == 0 ? nil : 0 }
    return vector[axis].isFinite ? vector[axis] : nil
  }
}
