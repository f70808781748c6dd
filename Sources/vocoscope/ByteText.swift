import Foundation

/// Sizes as people read them.
enum ByteText {
  /// `1.5 MiB`
  static func mebibytes(_ count: Int) -> String {
    String(format: "%.1f MiB", Double(count) / 1_048_576)
  }
}
