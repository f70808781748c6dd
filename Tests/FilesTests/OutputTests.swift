import Files
import Foundation
import TestSupport
import Testing

@Suite("Files that stand where an output goes")
struct OutputTests {
  private let folder: TemporaryFolder
  private let new: [UInt8] = Array("new and longer".utf8)

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String { try String(contentsOfFile: folder.path(name), encoding: .utf8) }

  private func mode(_ name: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: folder.path(name))[.posixPermissions] as? Int)
  }

  @Test("A link stays, and the file that it leads to is written", arguments: ["target", "./sub/../target", "second"])
  func links(_ destination: String) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: folder.path("sub"), withIntermediateDirectories: false)
    _ = try folder.write("old", as: "target")
    try files.createSymbolicLink(atPath: folder.path("second"), withDestinationPath: folder.path("target"))
    try files.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: destination)
    try FileContents.write(new, to: folder.path("link"))
    #expect(try files.destinationOfSymbolicLink(atPath: folder.path("link")) == destination)
    #expect(try text("target") == "new and longer")
  }

  @Test("A link to nothing yet makes the file that it names, and a loop of links is refused")
  func dangling() throws {
    let files = FileManager.default
    try files.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "later")
    try FileContents.write(new, to: folder.path("link"))
    #expect(try text("later") == "new and longer")
    #expect(try files.destinationOfSymbolicLink(atPath: folder.path("link")) == "later")
    try files.createSymbolicLink(atPath: folder.path("a"), withDestinationPath: "b")
    try files.createSymbolicLink(atPath: folder.path("b"), withDestinationPath: "a")
    #expect(throws: FileError.self) { try FileContents.write(new, to: folder.path("a")) }
  }

  @Test("The mode stays", arguments: [0o600, 0o640, 0o664, 0o755])
  func modes(_ permissions: Int) throws {
    let path = try folder.write("old", as: "file")
    try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
    try FileContents.write(new, to: path)
    #expect(try mode("file") == permissions)
    #expect(try text("file") == "new and longer")
  }

  @Test("A file of two names stays one file, shorter or longer than before")
  func hardLinks() throws {
    let path = try folder.write("a long text that stood here before", as: "one")
    try FileManager.default.linkItem(atPath: path, toPath: folder.path("two"))
    try FileContents.write(new, to: path)
    #expect(try text("two") == "new and longer")
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("two"))
    #expect(attributes[.referenceCount] as? Int == 2)
  }

  @Test("A pipe with a reader gets all bytes and stays a pipe; one without is refused at once")
  func pipes() throws {
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let refused = #expect(throws: FileError.self) { try FileContents.write(new, to: pipe) }
    #expect(refused?.reason == .noReader)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try FileContents.write(new, to: pipe)
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = read(reader, &buffer, buffer.count)
    #expect(Array(buffer.prefix(max(count, 0))) == new)
    #expect(try FileManager.default.attributesOfItem(atPath: pipe)[.type] as? FileAttributeType == .typeUnknown)
  }

  @Test("Devices are written to: one that takes all, one that is full")
  func devices() throws {
    try FileContents.write(new, to: "/dev/null")
    let full = #expect(throws: FileError.self) { try FileContents.write(new, to: "/dev/full") }
    #expect(full?.path == "/dev/full")
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test("A descriptor's name writes into the file that is open there")
  func descriptors() throws {
    let path = try folder.write("a long text that stood here before", as: "file")
    let descriptor = open(path, O_RDWR)
    defer { close(descriptor) }
    try FileContents.write(new, to: "/proc/self/fd/\(descriptor)")
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    #expect(Array(buffer.prefix(max(count, 0))) == new)
  }

  @Test("A directory, a socket and a missing directory are refused by name")
  func refused() throws {
    for (path, reason) in [
      (folder.root, FileError.Reason.directory), (folder.path("none/file"), .unwritable("No such file or directory")),
    ] {
      #expect(throws: FileError(path: path, reason: reason)) { try FileContents.write(new, to: path) }
    }
  }

  @Test("An output that is not finished leaves nothing, and what stood there is as it was")
  func unfinished() throws {
    let path = try folder.write("old", as: "file")
    do {
      let file = try PartialFile(path: path)
      try new.withUnsafeBytes { try file.append($0) }
    }
    #expect(try text("file") == "old" && folder.contents == ["file"])
  }

  @Test("What a run that is dead left is removed, what one that lives is making stays")
  func leftovers() throws {
    let dead = folder.path("old.st.vocoscope-1f.partial")
    let deadFolder = folder.path("model.vocoscope-2e.partial")
    _ = try folder.write("half", as: "old.st.vocoscope-1f.partial")
    try FileManager.default.createDirectory(atPath: deadFolder, withIntermediateDirectories: false)
    _ = try folder.write("half", as: "model.vocoscope-2e.partial/model.safetensors")
    let living = try folder.write("half", as: "x.vocoscope-3d.partial")
    let other = try folder.write("of another program", as: "x.partial")
    let held = open(living, O_RDONLY)
    defer { close(held) }
    #expect(flock(held, LOCK_EX) == 0)
    try FileContents.write(new, to: folder.path("file"))
    #expect(!FileManager.default.fileExists(atPath: dead) && !FileManager.default.fileExists(atPath: deadFolder))
    #expect(FileManager.default.fileExists(atPath: living) && FileManager.default.fileExists(atPath: other))
  }
}

@Suite("Digests of whole files")
struct ContentDigestTests {
  @Test("A digest is that of the bytes, and a change that keeps size and time of modification makes another")
  func changes() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("abc", as: "file")
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(ContentDigest.sha256(of: try MappedFile(path: path)) == abc)
    let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try handle.write(contentsOf: Data("abd".utf8))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: try #require(time)], ofItemAtPath: path)
    let changed = ContentDigest.sha256(of: try MappedFile(path: path))
    #expect(changed == SHA256.hexDigest(of: Array("abd".utf8)) && changed != abc)
  }

  @Test("A part's digest begins where it is told, and several files have one digest over theirs")
  func parts() throws {
    let folder = try TemporaryFolder()
    let (a, b) = (try MappedFile(path: folder.write("xabc", as: "a")), try MappedFile(path: folder.write("", as: "b")))
    #expect(ContentDigest.sha256(of: a, from: 1) == SHA256.hexDigest(of: Array("abc".utf8)))
    let lines = [a, b].map { ContentDigest.sha256(of: $0) }.joined(separator: "\n")
    #expect(ContentDigest.sha256(of: [a, b]) == SHA256.hexDigest(of: Array(lines.utf8)))
    #expect(ContentDigest.sha256(of: [b]) == SHA256.hexDigest(of: []))
  }

  @Test("A file that is written to while it is mapped is told")
  func unchanged() throws {
    let folder = try TemporaryFolder()
    let file = try MappedFile(path: folder.write("abc", as: "a"))
    try file.checkUnchanged()
    _ = try folder.write("abcd", as: "b")
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file.path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("d".utf8))
    let error = #expect(throws: FileError.self) { try file.checkUnchanged() }
    #expect(error?.reason == .changed)
  }
}
