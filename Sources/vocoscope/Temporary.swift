import CursesTerminal
import Tensor
import TerminalUI
extension ComputeBackend {
  static func coreOverrideNeeded() -> String? { nil }
  static func measureGEMM() -> Double { 0 }
}
extension CursesTerminal {
  func setMouse(_ on: Bool) {}
  func copyToClipboard(_ text: String) {}
}
