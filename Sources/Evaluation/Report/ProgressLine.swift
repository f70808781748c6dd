extension EvaluationProgress {
  /// One line for a terminal, such as `[######------]  50 % 250/500 · 3.2/s · 1:18 left`.
  ///
  /// - Parameters:
  ///   - width: columns that the line may take; the bar takes what the numbers leave, and goes where that is too little.
  ///   - seconds: since the first question of this run was asked.
  package func line(width: Int, seconds: Double) -> String {
    let percent = total > 0 ? 100 * done / total : 100
    let indent = String(repeating: " ", count: 3 - String(percent).count)
    var numbers = "\(indent)\(percent) % \(done)/\(total)"
    let answered = done - resumed
    if answered > 0, seconds > 0 {
      let rate = Double(answered) / seconds
      numbers += " · \(Figures.decimal(rate, places: rate < 10 ? 1 : 0))/s"
      if done < total { numbers += " · \(Self.clock(Double(total - done) / rate)) left" }
    }
    let bar = min(40, width - numbers.count - 3)
    guard bar >= 8 else { return String(numbers.prefix(max(0, width))) }
    let filled = total > 0 ? bar * done / total : bar
    return "[\(String(repeating: "#", count: filled))\(String(repeating: "-", count: bar - filled))] \(numbers)"
  }

  /// `m:ss`, or `h:mm:ss` from an hour on.
  private static func clock(_ seconds: Double) -> String {
    guard seconds < 1e9 else { return Figures.none }
    let whole = Int(seconds.rounded(.up))
    func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? "\(hours):\(padded(minutes)):\(padded(whole % 60))" : "\(minutes):\(padded(whole % 60))"
  }
}
