import Files
import Foundation
import Testing

@Suite("Searching directories")
struct FileSearchTests {
  private func withTree(_ body: (String) throws -> Void) throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("search-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    try body(root)
  }

  private func touch(_ path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileContents.write([0x78], to: path)
  }

  private func found(_ path: String, _ root: String) throws -> [String] {
    try Directory.files(below: path, endings: ["jpg", "png"]).map { String($0.dropFirst(root.count + 1)) }
  }

  @Test("Links to directories and files are followed, below the directory and to it, and the order is that of bytes")
  func links() throws {
    try withTree { root in
      for name in ["a/2.jpg", "a/10.PNG", "b/z.jpg", "b/note.txt", "b/jpg"] { try touch("\(root)/\(name)") }
      let files = FileManager.default
      try files.createSymbolicLink(atPath: "\(root)/link", withDestinationPath: "a")
      try files.createSymbolicLink(atPath: "\(root)/b/inner", withDestinationPath: "\(root)/a")
      try files.createSymbolicLink(atPath: "\(root)/b/one.jpg", withDestinationPath: "../a/2.jpg")
      #expect(try found("\(root)/link", root) == ["link/10.PNG", "link/2.jpg"])
      #expect(try found("\(root)/link/", root) == ["link/10.PNG", "link/2.jpg"])
      #expect(try found("\(root)/b", root) == ["b/inner/10.PNG", "b/inner/2.jpg", "b/one.jpg", "b/z.jpg"])
    }
  }

  @Test("Loops end, and a directory that is reached twice is searched once")
  func loops() throws {
    try withTree { root in
      try touch("\(root)/a/b/1.jpg")
      let files = FileManager.default
      try files.createSymbolicLink(atPath: "\(root)/a/up", withDestinationPath: "..")
      try files.createSymbolicLink(atPath: "\(root)/a/b/self", withDestinationPath: ".")
      try files.createSymbolicLink(atPath: "\(root)/a/again", withDestinationPath: "b")
      #expect(try found(root, root).count == 1)
      // A link to itself is no directory; as a picture it is left to whoever opens it.
      try files.createSymbolicLink(atPath: "\(root)/a/loop.jpg", withDestinationPath: "loop.jpg")
      #expect(try found(root, root).contains("a/loop.jpg"))
    }
  }

  @Test("What systems leave behind is passed over wherever it lies")
  func companions() throws {
    try withTree { root in
      let left = [
        "._1.jpg", ".DS_Store", "Thumbs.db", "__MACOSX/1.jpg", "@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg",
        "$RECYCLE.BIN/x.jpg",
        "sub/._2.png", "sub/.AppleDouble/2.png", "sub/.Trashes/3.jpg",
      ]
      for name in left + ["1.jpg", "sub/2.png", ".hidden.jpg"] { try touch("\(root)/\(name)") }
      #expect(try found(root, root) == [".hidden.jpg", "1.jpg", "sub/2.png"])
    }
  }

  @Test("A directory that is not there, and a name that is no text, are named")
  func problems() throws {
    try withTree { root in
      #expect(throws: FileError(path: "\(root)/none", reason: .missing)) {
        try Directory.files(below: "\(root)/none", endings: ["jpg"])
      }
      let descriptor = (Array("\(root)/".utf8) + [0xE9] + Array(".jpg\0".utf8)).withUnsafeBytes {
        open($0.baseAddress!.assumingMemoryBound(to: CChar.self), O_WRONLY | O_CREAT, 0o644)
      }
      try #require(descriptor >= 0)
      close(descriptor)
      let error = #expect(throws: FileError.self) { try Directory.files(below: root, endings: ["jpg"]) }
      #expect(error?.reason == .nameNotUTF8)
      let others = try Directory.files(below: root, endings: ["png"])
      #expect(others.isEmpty)
    }
  }

  @Test("Texts are read behind their byte order mark, and UTF-16 and Git LFS pointers are named")
  func texts() throws {
    try withTree { root in
      func read(_ bytes: [UInt8]) throws -> String {
        try FileContents.write(bytes, to: "\(root)/list.txt")
        return try FileContents.text(path: "\(root)/list.txt", limit: 4000)
      }
      let marked = try read([0xEF, 0xBB, 0xBF] + Array("a.jpg\n".utf8))
      #expect(marked == "a.jpg\n")
      #expect(try read(Array("a\u{FEFF}.jpg".utf8)) == "a\u{FEFF}.jpg")
      #expect(throws: FileError(path: "\(root)/list.txt", reason: .utf16)) { try read([0xFE, 0xFF, 0, 0x61]) }
      let pointer = Array("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 77\n".utf8)
      let reason = FileError.Reason.gitLFSPointer(byteCount: 77)
      #expect(throws: FileError(path: "\(root)/list.txt", reason: reason)) { try read(pointer) }
      #expect(throws: FileError(path: "\(root)/list.txt", reason: reason)) { try MappedFile(path: "\(root)/list.txt") }
      // Pointers are shorter than 1,024 bytes; a text of so many that begins alike is none.
      for count in [1_023, 1_024, 1_025, 1_100] {
        let text = pointer + [UInt8](repeating: 0x20, count: count - pointer.count)
        if count < 1_024 {
          #expect(throws: FileError(path: "\(root)/list.txt", reason: reason)) { try read(text) }
        } else {
          #expect(try read(text).utf8.count == count)
        }
      }
    }
  }

  @Test("Names are in the order of their numbers, which come before letters")
  func numbers() {
    let names = ["step-9", "step-10", "step-final", "stop"]
    #expect(names.shuffled().sorted { numericOrder($0).lexicographicallyPrecedes(numericOrder($1)) } == names)
  }
}
