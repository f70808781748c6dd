import Foundation
import Testing
import WeightFormats

@Suite("Arrays for NumPy")
struct NumPyWriterTests {
  private let entries = [
    NumPyEntry("attention.share", shape: [2, 3], .doubles([0.1, -2.5e-300, 3, .nan, .infinity, 0])),
    NumPyEntry("layers", shape: [], .integers([-7])),
    NumPyEntry("long", shape: [3], .integers([1, .max, .min])),
    NumPyEntry("names", shape: [2], .texts(["<voco> ×98", ""])),
    NumPyEntry("formula σ", shape: [], .texts(["softmax(q·k / √d)"])),
    NumPyEntry("shown", shape: [1, 2], .flags([true, false])),
    NumPyEntry("none", shape: [0, 4], .doubles([])),
  ]

  @Test("What is written reads back as whole numbers and flags through the program's own reader")
  func ownReader() throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/a.npz"
      try NumPyWriter.write([entries[1], entries[2], entries[5]], to: path)
      let arrays = try NumPyFile(path: path).arrays
      #expect(arrays.map(\.name) == ["layers", "long", "shown"])
      #expect(arrays.map(\.shape) == [[], [3], [1, 2]])
      #expect(arrays.map(\.values) == [[-7], [1, .max, .min], [1, 0]])
    }
  }

  @Test("NumPy reads every array with its type, shape and values", .enabled(if: NumPy.python != nil))
  func numpy() throws {
    let script = """
      import numpy as np, sys
      f = np.load(sys.argv[1])
      s = f['attention.share']
      assert s.dtype == np.float64 and s.shape == (2, 3) and s[0, 1] == -2.5e-300 and s[0, 0] == 0.1
      assert np.isnan(s[1, 0]) and np.isinf(s[1, 1]) and s.flags['ALIGNED']
      assert f['layers'].shape == () and f['layers'] == -7 and f['long'].tolist() == [1, 2**63 - 1, -2**63]
      assert f['names'].tolist() == ['<voco> ×98', ''] and str(f['formula σ']) == 'softmax(q·k / √d)'
      assert f['shown'].dtype == bool and f['shown'].tolist() == [[True, False]]
      assert f['none'].shape == (0, 4) and len(f.files) == 7
      import zipfile
      assert zipfile.ZipFile(sys.argv[1]).testzip() is None
      print('ok')
      """
    try withTemporaryDirectory { folder in
      try NumPyWriter.write(entries, to: "\(folder)/a.npz")
      #expect(try NumPy.run(script, ["\(folder)/a.npz"]) == "ok\n")
    }
  }

  @Test("Equal entries give equal bytes, and an unwritable path is named and left as it was")
  func bytes() throws {
    try withTemporaryDirectory { folder in
      let paths = ["\(folder)/a.npz", "\(folder)/b.npz"]
      for path in paths { try NumPyWriter.write(entries, to: path) }
      let files = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
      #expect(files[0] == files[1])
      #expect(throws: (any Error).self) { try NumPyWriter.write(entries, to: "\(folder)/no/a.npz") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.npz", "b.npz"])
    }
  }
}

/// A Python that has NumPy, where this machine has one.
private enum NumPy {
  static let python = ["python3", ProcessInfo.processInfo.environment["PYTHON"] ?? "python"].first {
    (try? output($0, ["-c", "import numpy; print('yes')"])) == "yes\n"
  }

  static func run(_ script: String, _ arguments: [String]) throws -> String {
    try output(try #require(python), ["-c", script] + arguments)
  }

  private static func output(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardError = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
