/// A map from a value in 0…1 to one of 32 colours.
package struct ColorMap: Sendable, Hashable {
  /// Levels of every map: terminals hold few colour pairs, and an eye tells no more apart.
  package static let levels = 32

  package let name: String
  /// `0xRRGGBB` of each level, from 0 to 1.
  package let table: [UInt32]
  /// Entries of the 256-colour palette for each pair of levels. The nearest entry to each colour would not do: the cube
  /// has so few dark colours that lightness would fall where the value rises.
  package let palette: [UInt8]
  /// Whether 0.5 is the neutral middle of a signed quantity.
  package let isDiverging: Bool

  private init(name: String, table: [UInt32], palette: [UInt8], isDiverging: Bool) {
    precondition(table.count == Self.levels, "a colour map has \(Self.levels) levels")
    precondition(palette.count * 2 == Self.levels, "a palette entry stands for two levels")
    self.name = name
    self.table = table
    self.palette = palette
    self.isDiverging = isDiverging
  }

  /// Level of a value: the unit interval in 32 equal parts; values outside are clamped.
  package static func level(_ t: Double) -> Int {
    guard t.isFinite else { return t == .infinity ? levels - 1 : 0 }
    return Int(min(max(t, 0), 1) * Double(levels) * (1 - .ulpOfOne))
  }

  /// Colour of a value in 0…1, at 32 levels.
  package func color(_ t: Double) -> Color { Color(hex: table[Self.level(t)]) }

  /// Colour of a value in 0…1 as a terminal of this depth shows it best.
  package func color(_ t: Double, _ depth: ColorDepth) -> Color {
    depth == .palette256 ? paletteColor(palette[Self.level(t) / 2]) : color(t)
  }

  /// Black or white, whichever is easier to read on a colour.
  package static func contrasting(_ color: Color) -> Color {
    let white = Color.rgb(255, 255, 255)
    let black = Color.rgb(0, 0, 0)
    return contrastRatio(white, color) >= contrastRatio(black, color) ? white : black
  }
}

extension ColorMap {
  /// Magnitudes, readable with colour-blind eyes and in grey.
  ///
  /// Nuñez, Anderton, Renslow: Optimizing colormaps with consideration for color vision deficiency, PLoS ONE 13(7),
  /// 2018; the published 256 values sampled at 32 equal steps.
  package static let cividis = ColorMap(
    name: "cividis",
    table: [
      0x00224E, 0x00285C, 0x002E6B, 0x073370, 0x1C396F, 0x293F6E, 0x33446C, 0x3D4A6C, 0x45506C, 0x4D556C, 0x555B6D,
      0x5C616E, 0x636770, 0x6B6D72, 0x727274, 0x797877, 0x807E78, 0x888578, 0x908B78, 0x989177, 0xA09775, 0xA89E73,
      0xB0A471, 0xB9AB6D, 0xC1B26A, 0xCAB965, 0xD3C060, 0xDCC859, 0xE5CF52, 0xEED748, 0xF8DF3C, 0xFEE838,
    ], palette: [17, 18, 19, 24, 60, 242, 243, 244, 245, 246, 247, 143, 179, 185, 221, 227], isDiverging: false)

  /// Magnitudes, with more hues. Smith, van der Walt: the matplotlib default since 2.0, sampled at 32 equal steps.
  package static let viridis = ColorMap(
    name: "viridis",
    table: [
      0x440154, 0x470D60, 0x48196B, 0x482474, 0x472E7C, 0x453882, 0x414286, 0x3E4B89, 0x3A548C, 0x365D8D, 0x32658E,
      0x2E6D8E, 0x2B758E, 0x287D8E, 0x25858E, 0x228C8D, 0x20948C, 0x1E9C89, 0x20A386, 0x25AB82, 0x2DB27D, 0x39BA76,
      0x48C16E, 0x58C765, 0x6ACD5B, 0x7ED34F, 0x92D742, 0xA8DB34, 0xBEDF26, 0xD4E21B, 0xE9E41A, 0xFDE725,
    ], palette: [53, 54, 55, 25, 60, 61, 30, 66, 36, 71, 77, 78, 113, 148, 184, 220], isDiverging: false)

  /// Signed differences: blue below, orange above, light grey where nothing differs.
  ///
  /// Linear in CIE L*a*b* from each end (L* 45) to the neutral middle (L* 92), so both arms darken alike.
  package static let blueOrange = ColorMap(
    name: "blue–orange",
    table: (0..<levels).map { level in
      let t = 2 * Double(level) / Double(levels - 1) - 1
      let neutral = LabColor(lightness: 92, a: 0, b: 0)
      let end = t < 0 ? LabColor(lightness: 45, a: 0, b: -48) : LabColor(lightness: 45, a: 34, b: 54)
      return neutral.mixed(with: end, abs(t)).sRGB
    }, palette: [26, 32, 68, 74, 110, 117, 153, 254, 254, 223, 216, 180, 173, 172, 166, 130], isDiverging: true)
}

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
