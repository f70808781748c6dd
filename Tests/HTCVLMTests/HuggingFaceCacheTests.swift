import Foundation
import HTCVLM
import TestSupport
import Testing

@Suite("Names in the Hugging Face cache")
struct HuggingFaceCacheTests {
  /// A cache with `org/name`, whose `snapshots` hold links to a fixture's files.
  private func cache(snapshots: [String], main: String?) throws -> String {
    let files = FileManager.default
    let root = NSTemporaryDirectory() + "vocoscope-hub-\(UInt64.random(in: 0 ... .max))"
    let folder = "\(root)/models--org--name"
    for snapshot in snapshots {
      try files.createDirectory(atPath: "\(folder)/snapshots/\(snapshot)", withIntermediateDirectories: true)
      for name in try files.contentsOfDirectory(atPath: fixture("families/hf")) {
        try files.createSymbolicLink(
          atPath: "\(folder)/snapshots/\(snapshot)/\(name)", withDestinationPath: fixture("families/hf/\(name)"))
      }
    }
    if let main {
      try files.createDirectory(atPath: "\(folder)/refs", withIntermediateDirectories: true)
      try Data("\(main)\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/refs/main"))
    }
    return root
  }

  @Test("refs/main names the snapshot; without it a lone one is an assumption, and of several none is chosen")
  func snapshots() throws {
    let named = try cache(snapshots: ["aaa", "bbb"], main: "bbb")
    let lone = try cache(snapshots: ["aaa"], main: nil)
    let several = try cache(snapshots: ["aaa", "bbb"], main: nil)
    let gone = try cache(snapshots: ["aaa"], main: "ccc")
    // What a system leaves beside a snapshot is none.
    try Data().write(to: URL(fileURLWithPath: "\(lone)/models--org--name/snapshots/.DS_Store"))
    defer { for root in [named, lone, several, gone] { try? FileManager.default.removeItem(atPath: root) } }
    func found(_ root: String) throws -> HuggingFaceCache.Found {
      try HuggingFaceCache(environment: ["HF_HUB_CACHE": root]).directory("org/name")
    }
    #expect(try found(named).path.hasSuffix("snapshots/bbb") && found(named).assumption == nil)
    #expect(try found(lone).path.hasSuffix("snapshots/aaa") && found(lone).assumption?.contains("the only one") == true)
    #expect { try found(several) } throws: { "\($0)".contains("2 snapshots") }
    #expect { try found(gone) } throws: { "\($0)".contains("names the revision ccc") }
    // Links to blobs are followed.
    #expect(try CheckpointSource.directory(found(named).path).open().family == .llava)
  }

  @Test("The first variable that is set says where the cache is, in huggingface_hub's order")
  func places() {
    var environment = ["HOME": "/h"]
    func root() -> String { HuggingFaceCache(environment: environment).root }
    #expect(root() == "/h/.cache/huggingface/hub")
    environment["XDG_CACHE_HOME"] = "/x"
    #expect(root() == "/x/huggingface/hub")
    environment["HF_HOME"] = "/f"
    #expect(root() == "/f/hub")
    environment["HUGGINGFACE_HUB_CACHE"] = "/g"
    #expect(root() == "/g")
    environment["HF_HUB_CACHE"] = "/c"
    #expect(root() == "/c")
  }

  @Test("A name that is not there is one sentence; a path that exists is a path")
  func absent() throws {
    let cache = HuggingFaceCache(environment: ["HF_HUB_CACHE": "/nowhere"])
    #expect { try cache.directory("org/name") } throws: {
      "\($0)" == "org/name: is no directory here, and the Hugging Face cache in /nowhere has no model of that name"
    }
    #expect(try cache.directory("/tmp").path == "/tmp")
    #expect(
      !HuggingFaceCache.isName("../x") && !HuggingFaceCache.isName("a/b/c")
        && HuggingFaceCache.isName("llava-hf/llava-1.5-7b-hf"))
  }
}
