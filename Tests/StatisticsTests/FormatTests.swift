import Statistics
import Testing

@Suite("Numbers as text")
struct FormatTests {
  @Test(
    "Scores round half away from zero",
    arguments: [
      (0.0, "0.0"), (12.5, "12.5"), (99.949, "99.9"), (99.95, "100.0"), (-0.04, "0.0"), (-50, "-50.0"),
      (6.25, "6.3"),
    ])
  func rounded(value: Double, expected: String) {
    #expect(Format.rounded(value, places: 1) == expected)
    #expect(Format.rounded(.nan, places: 1) == "–" && Format.rounded(nil, places: 0) == "–")
  }

  @Test("Each unit begins where the one before reaches its limit, as rounded")
  func units() {
    #expect(
      [0.0004, 0.42, 0.9994, 0.9996, 61.26].map(Format.seconds) == ["0 ms", "420 ms", "999 ms", "1.0 s", "61.3 s"])
    #expect([0.00034, 0.0124, 1.26].map(Format.duration) == ["340 µs", "12.4 ms", "1.3 s"])
    #expect(
      [0, 1023, 1024, 12_897_485, 1 << 42].map(Format.bytes) == ["0 B", "1023 B", "1.0 KiB", "12.3 MiB", "4.0 TiB"])
    #expect([999, 2_100_000_000].map(Format.operations) == ["999 FLOP", "2.1 GFLOP"])
    #expect([59.2, 3600].map(Format.clock) == ["1:00", "1:00:00"])
    #expect([0.0213, 0.09949, 0.0995, 1, .nan].map(Format.percent) == ["2.13%", "9.95%", "10.0%", "100.0%", "–"])
  }

  @Test("Integers are grouped by a space and have a true minus")
  func integers() {
    #expect(
      [0, 999, 1412, -1_000_000, .min].map(Format.integer)
        == ["0", "999", "1 412", "−1 000 000", "−9 223 372 036 854 775 808"])
  }

  @Test("Three significant digits, without zeros that say nothing")
  func significantDigits() {
    #expect(
      [0, 0.021349, 8.2149, 1240.4, -0.5, 0.00000123].map { significant($0) }
        == ["0", "0.0213", "8.21", "1240", "-0.5", "1.2e-06"])
    #expect(decimal(-0.0001, digits: 2) == "0" && decimal(.infinity, digits: 1) == "∞")
  }
}
