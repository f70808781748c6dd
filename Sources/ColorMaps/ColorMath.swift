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
