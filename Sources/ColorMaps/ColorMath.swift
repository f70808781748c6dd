#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A colour as it is asked for; `ColorDepth` reduces it to what the terminal has.
package enum Color: Sendable, Hashable {
  /// The terminal's own foreground or background.
  case terminal
  /// sRGB, 8 bits per channel.
  case rgb(UInt8, UInt8, UInt8)
}

extension Color {
  /// A colour from `0xRRGGBB`.
  package init(hex: UInt32) {
    self = .rgb(UInt8(hex >> 16 & 255), UInt8(hex >> 8 & 255), UInt8(hex & 255))
  }

  /// The colour mixed with `other`, channel by channel in sRGB: 0 keeps it, 1 gives `other`.
  ///
  /// The terminal's own colour is unknown and cannot be mixed: the nearer of the two stays.
  package func blended(with other: Color, _ amount: Double) -> Color {
    guard case .rgb(let r, let g, let b) = self, case .rgb(let r2, let g2, let b2) = other else {
      return amount < 0.5 ? self : other
    }
    return .rgb(blend(r, r2, amount), blend(g, g2, amount), blend(b, b2, amount))
  }
}

/// One channel mixed with another: 0 gives `a`, 1 gives `b`.
package func blend(_ a: UInt8, _ b: UInt8, _ amount: Double) -> UInt8 {
  UInt8(min(max(Double(a) + (Double(b) - Double(a)) * amount, 0), 255).rounded())
}

/// An 8-bit sRGB channel as linear light in 0…1 (IEC 61966-2-1).
package func linearSRGB(_ channel: UInt8) -> Double { linearTable[Int(channel)] }

private let linearTable: [Double] = (0...255).map { value in
  let c = Double(value) / 255
  return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4)
}

/// Linear light as an 8-bit sRGB channel, clipped.
package func encodedSRGB(_ linear: Double) -> UInt8 {
  let c = min(max(linear, 0), 1)
  return UInt8((255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055)).rounded())
}

/// Relative luminance in 0…1 (WCAG 2.1); the terminal's own colour, which is unknown, counts as black.
package func relativeLuminance(_ color: Color) -> Double {
  guard case .rgb(let r, let g, let b) = color else { return 0 }
  return 0.2126 * linearSRGB(r) + 0.7152 * linearSRGB(g) + 0.0722 * linearSRGB(b)
}

/// Contrast ratio in 1…21 (WCAG 2.1): `(lighter + 0.05) / (darker + 0.05)`.
package func contrastRatio(_ a: Color, _ b: Color) -> Double {
  let first = relativeLuminance(a)
  let second = relativeLuminance(b)
  return (max(first, second) + 0.05) / (min(first, second) + 0.05)
}

/// Perceived lightness in 0…1: CIE L* / 100.
package func lightness(_ color: Color) -> Double {
  let y = relativeLuminance(color)
  return y > 216.0 / 24389 ? 1.16 * cbrt(y) - 0.16 : y * 24389 / 2700
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// CIE L*a*b* under D65: equal steps look about equally large. Formulae: CIE 15 and IEC 61966-2-1.
package struct LabColor: Sendable, Hashable {
  /// 0 black … 100 white.
  package var lightness: Double
  package var a: Double
  package var b: Double

  package init(lightness: Double, a: Double, b: Double) {
    (self.lightness, self.a, self.b) = (lightness, a, b)
  }

  /// The terminal's own colour, which is unknown, counts as black.
  package init(_ color: Color) {
    guard case .rgb(let red, let green, let blue) = color else {
      self.init(lightness: 0, a: 0, b: 0)
      return
    }
    self.init(linear: [linearSRGB(red), linearSRGB(green), linearSRGB(blue)])
  }

  /// - Parameter linear: red, green and blue as linear light, 0…1.
  init(linear rgb: [Double]) {
    func root(_ t: Double) -> Double { t > 216.0 / 24389 ? cbrt(t) : 841.0 / 108 * t + 4.0 / 29 }
    let x = root((0.4124 * rgb[0] + 0.3576 * rgb[1] + 0.1805 * rgb[2]) / 0.95047)
    let y = root(0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2])
    let z = root((0.0193 * rgb[0] + 0.1192 * rgb[1] + 0.9505 * rgb[2]) / 1.08883)
    self.init(lightness: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z))
  }

  /// ΔE*ab, squared, with so much weight on lightness.
  func squaredDistance(to other: LabColor, lightness weight: Double) -> Double {
    let (l, a, b) = (lightness - other.lightness, a - other.a, b - other.b)
    return weight * l * l + a * a + b * b
  }

  func mixed(with other: LabColor, _ t: Double) -> LabColor {
    LabColor(
      lightness: lightness + (other.lightness - lightness) * t, a: a + (other.a - a) * t, b: b + (other.b - b) * t)
  }

  /// Red, green and blue as linear light; outside 0…1 where no screen has the colour.
  var linear: [Double] {
    func square(_ f: Double) -> Double { f > 6.0 / 29 ? f * f * f : 3 * 36.0 / 841 * (f - 4.0 / 29) }
    let fy = (lightness + 16) / 116
    let x = 0.95047 * square(fy + a / 500)
    let y = square(fy)
    let z = 1.08883 * square(fy - b / 200)
    return [
      3.2406 * x - 1.5372 * y - 0.4986 * z, -0.9689 * x + 1.8758 * y + 0.0415 * z,
      0.0557 * x - 0.2040 * y + 1.0570 * z,
    ]
  }

  /// `0xRRGGBB`, clipped to sRGB channel by channel.
  var sRGB: UInt32 { linear.reduce(UInt32(0)) { $0 << 8 | UInt32(encodedSRGB($1)) } }

  /// The colour of the same lightness and hue, with as much of its chroma as sRGB has.
  package var fitted: Color {
    func isInGamut(_ color: LabColor) -> Bool { color.linear.allSatisfy { (-1e-4...1 + 1e-4).contains($0) } }
    let grey = LabColor(lightness: min(max(lightness, 0), 100), a: 0, b: 0)
    var (inside, outside) = (0.0, 1.0)
    if isInGamut(grey.mixed(with: LabColor(lightness: grey.lightness, a: a, b: b), 1)) { inside = 1 }
    while inside < 1 && outside - inside > 1e-3 {
      let middle = (inside + outside) / 2
      let candidate = LabColor(lightness: grey.lightness, a: a * middle, b: b * middle)
      if isInGamut(candidate) { inside = middle } else { outside = middle }
    }
    return Color(hex: LabColor(lightness: grey.lightness, a: a * inside, b: b * inside).sRGB)
  }

  /// Distance of two colours (CIE 1976 ΔE): 2.3 is just noticeable.
  package func difference(from other: LabColor) -> Double {
    let (dl, da, db) = (lightness - other.lightness, a - other.a, b - other.b)
    return (dl * dl + da * da + db * db).squareRoot()
  }
}

/// Eyes that lack one of the three kinds of cones.
package enum ColorVision: String, Sendable, Hashable, CaseIterable {
  case full, protan, deutan, tritan

  /// What such eyes see of a colour, for eyes that lack nothing.
  ///
  /// Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG
  /// 15(6), 2009; the published matrices of severity 1.0, on linear light.
  package func seen(_ color: Color) -> Color {
    guard let matrix, case .rgb(let red, let green, let blue) = color else { return color }
    let light = [linearSRGB(red), linearSRGB(green), linearSRGB(blue)]
    let channels = matrix.map { row in encodedSRGB(zip(row, light).reduce(0) { $0 + $1.0 * $1.1 }) }
    return .rgb(channels[0], channels[1], channels[2])
  }

  /// How far two colours lie apart for such eyes.
  package func difference(_ first: Color, _ second: Color) -> Double {
    LabColor(seen(first)).difference(from: LabColor(seen(second)))
  }

  private var matrix: [[Double]]? {
    switch self {
    case .full: nil
    case .protan:
      [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    case .deutan:
      [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    case .tritan:
      [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    }
  }
}
