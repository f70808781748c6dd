import Foundation

/// The standard normal distribution.
package enum NormalDistribution {
  /// Φ(z).
  package static func cumulative(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  /// Φ⁻¹(p): Acklam's rational approximation (relative error 1.2e-9) and one Halley step, which brings it to rounding.
  package static func quantile(_ p: Double) -> Double {
    guard p > 0 else { return -.infinity }
    guard p < 1 else { return .infinity }
    var z = approximation(p)
    let error = cumulative(z) - p
    let step = error * (2 * Double.pi).squareRoot() * exp(z * z / 2)
    z -= step / (1 + z * step / 2)
    return z
  }

  private static func approximation(_ p: Double) -> Double {
    let low = 0.02425
    if p < low { return tail((-2 * log(p)).squareRoot()) }
    if p > 1 - low { return -tail((-2 * log1p(-p)).squareRoot()) }
    let q = p - 0.5
    let r = q * q
    let numerator = horner(
      [
        -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.3577518672690, -30.66479806614716,
        2.506628277459239,
      ],
      r)
    let denominator = horner(
      [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1], r)
    return numerator * q / denominator
  }

  private static func tail(_ q: Double) -> Double {
    let numerator = horner(
      [
        -7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
        2.938163982698783,
      ], q)
    let denominator = horner([7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1], q)
    return numerator / denominator
  }

  private static func horner(_ coefficients: [Double], _ x: Double) -> Double {
    coefficients.reduce(0) { $0 * x + $1 }
  }
}

/// Student's t distribution.
package enum StudentDistribution {
  /// P(T > t) with `degrees` degrees of freedom: ½ I_{ν/(ν+t²)}(ν/2, ½) for t ≥ 0.
  package static func upperTail(_ t: Double, degrees: Double) -> Double {
    let tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return t >= 0 ? tail : 1 - tail
  }

  /// The regularised incomplete beta function I_x(a, b) by Lentz's continued fraction (Numerical Recipes 6.4).
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    let factor = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    return x < (a + 1) / (a + b + 2)
      ? factor * continuedFraction(x, a, b) / a : 1 - factor * continuedFraction(1 - x, b, a) / b
  }

  private static func continuedFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let bounded = { (value: Double) in abs(value) < 1e-300 ? 1e-300 : value }
    var c = 1.0
    var d = 1 / bounded(1 - (a + b) * x / (a + 1))
    var result = d
    for m in 1...500 {
      let n = Double(m)
      let even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))
      d = 1 / bounded(1 + even * d)
      c = bounded(1 + even / c)
      result *= d * c
      let odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1))
      d = 1 / bounded(1 + odd * d)
      c = bounded(1 + odd / c)
      result *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return result
  }
}
