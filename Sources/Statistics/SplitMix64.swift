/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014; constants of Vigna's public-domain version): the only source of
/// randomness of the statistics, so that a seed reproduces every digit.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// An independent stream for `name`, so that one statistic's draws do not depend on another's.
  package init(seed: UInt64, stream name: String) {
    // FNV-1a, 64 bit.
    let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    var generator = SplitMix64(seed: seed ^ hash)
    state = generator.next()
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in 0..<bound by Lemire's multiply-shift; the bias is below bound / 2⁶⁴.
  package mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number in 0..<1 with 53 random bits.
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// `count` different numbers of 0..<bound in random order (partial Fisher–Yates).
  package mutating func distinct(_ count: Int, below bound: Int) -> [Int] {
    precondition(count <= bound)
    var pool = Array(0..<bound)
    for index in 0..<count { pool.swapAt(index, index + below(bound - index)) }
    return Array(pool.prefix(count))
  }
}
