import Foundation
import TestSupport

/// The bytes of a file in this target's `Fixtures` folder.
func fixture(_ name: String) throws -> Data {
  try Data(contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)"))
}
