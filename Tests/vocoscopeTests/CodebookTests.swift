import Foundation
import TestSupport
import Testing

@Suite("The codebook's report")
struct CodebookTests {
  private static let pictures: [String] = {
    let assets = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets/images")
    return (1...4).map { assets.appendingPathComponent("scene-\($0).png").path }
  }()

  private struct Report {
    let root: [String: Any]

    var findings: [[String: Any]] { root["findings"] as? [[String: Any]] ?? [] }
    var groups: [[String: Any]] { root["groups"] as? [[String: Any]] ?? [] }
    var anchors: [String: Any] { root["anchors"] as? [String: Any] ?? [:] }

    /// `severity what group`, once each.
    var words: Set<String> {
      Set(
        findings.map { finding in
          "\(finding["severity"] ?? "") \(finding["what"] ?? "") \((finding["group"] as? Int).map { "\($0)" } ?? "-")"
        })
    }
  }

  private func report(_ arguments: [String], model: String = ParityCase.directory) throws -> Report {
    let result = try Program.run(["codebook", "--format", "json", "--model", model] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.isEmpty)
    return Report(
      root: try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]))
  }

  @Test("Without pictures the checkpoint alone is judged, and usage is null")
  func checkpointAlone() throws {
    let report = try report([])
    #expect(report.groups.count == 8)
    for group in report.groups {
      #expect(group["codes"] as? Int == 32 && group["samples"] as? Int == 0)
      #expect(group["used"] is NSNull && group["dead"] is NSNull && group["perplexity"] is NSNull)
      #expect(group["near_duplicates"] is Int && group["effective_rank"] is Double)
    }
    #expect(report.anchors["source"] as? String == "random_codes")
    #expect((report.anchors["cosines"] as? [[Double]])?.count == 4)
    #expect(!report.findings.isEmpty && !report.words.contains { $0.hasPrefix("broken") })
    let text = try Program.run(["codebook", "--model", ParityCase.directory])
    #expect(text.status == 0 && text.output.contains("index 0 looks used"))
  }

  @Test("Over pictures every group is counted with its samples, and csv and text tell the same")
  func pictures() throws {
    let report = try report(Self.pictures)
    for group in report.groups {
      let used = try #require(group["used"] as? Int)
      #expect(used + (group["dead"] as? Int ?? 0) == 32 && group["samples"] as? Int == 4 * 25)
      #expect(group["entropy_bits"] as? Double ?? 9 <= group["entropy_bits_corrected"] as? Double ?? 0)
    }
    #expect((report.anchors["across_pictures"] as? [Double])?.count == 4)
    #expect((report.root["co_occurrence"] as? [Any])?.count == 28)
    #expect(((report.root["positions"] as? [String: Any])?["groups"] as? [Any])?.count == 8)
    #expect((report.root["provenance"] as? [String: Any])?["pictures"] as? Int == 4)

    let csv = try Program.run(["codebook", "--format", "csv", "--model", ParityCase.directory] + Self.pictures)
    let used = try #require(report.groups[0]["used"] as? Int)
    #expect(csv.output.contains("group,1,used,\(used),"))
    let text = try Program.run(["codebook", "--model", ParityCase.directory, "--patches"] + Self.pictures)
    #expect(text.output.contains("\(used) of 32") && text.output.contains("patches, mean"), "\(text.errors)")
  }

  @Test("Half the codes dead is said of every group, with and without pictures", arguments: [false, true])
  func deadCodes(withPictures: Bool) throws {
    let broken = try BrokenCheckpoint { name, shape, values in
      guard name == BrokenCheckpoint.embedding else { return }
      for row in 0..<shape[0] where row % 32 >= 16 {
        for column in 0..<shape[1] { values[row * shape[1] + column] = 0 }
      }
    }
    let report = try report(withPictures ? Self.pictures : [], model: broken.path)
    for group in 0..<8 { #expect(report.words.contains("broken dead_codes \(group)"), "\(report.words)") }
    let sentence = report.findings.first { $0["what"] as? String == "dead_codes" }?["sentence"] as? String
    #expect(sentence?.contains("of 32 codes") == true)
  }

  @Test("Codes that no picture reaches are dead, though nothing is wrong with their vectors")
  func unreachedCodes() throws {
    let broken = try BrokenCheckpoint { name, shape, values in
      // Half the codes of the first group huddle in one corner, apart enough not to be near-duplicates.
      guard name == BrokenCheckpoint.embedding else { return }
      for row in 16..<32 {
        for column in 0..<shape[1] {
          values[row * shape[1] + column] = (column == 0 ? 1 : 0) + 0.03 * Float((row * 7 + column * 5) % 11)
        }
      }
    }
    let words = try report(Self.pictures, model: broken.path).words
    #expect(words.contains { $0.hasSuffix("dead_codes 0") }, "\(words)")
  }

  @Test("Two groups with the same codes are found")
  func identicalGroups() throws {
    let broken = try BrokenCheckpoint { name, shape, values in
      guard name == BrokenCheckpoint.embedding else { return }
      let size = 32 * shape[1]
      for index in 0..<size { values[5 * size + index] = values[2 * size + index] }
    }
    let report = try report([], model: broken.path)
    #expect(report.words.contains("broken duplicate_groups 5"))
    #expect(report.findings[0]["sentence"] as? String == "Groups 3 and 6 hold the same codes.")
  }

  @Test("Collapsed anchors are found, with and without pictures", arguments: [false, true])
  func collapsedAnchors(withPictures: Bool) throws {
    let broken = try BrokenCheckpoint { name, shape, values in
      guard name.hasPrefix("model.anchor_projector.fc2.") else { return }
      let part = values.count / 4
      for index in part..<values.count { values[index] = values[index % part] }
    }
    let report = try report(withPictures ? Self.pictures : [], model: broken.path)
    #expect(report.words.contains("broken collapsed_anchors -"), "\(report.words)")
    #expect(report.anchors["source"] as? String == (withPictures ? "pictures" : "random_codes"))
  }

  @Test("A bare state dict gives the codes of the whole checkpoint", arguments: ["", "model.mgvq.", "module.vq."])
  func bareStateDict(prefix: String) throws {
    let folder = try TemporaryFolder()
    try BrokenCheckpoint.stateDict(prefix: prefix, at: folder.path("mgvq.safetensors"))
    let whole = try report(Self.pictures)
    for model in [folder.path("mgvq.safetensors"), folder.root] {
      let bare = try report(Self.pictures + ["--image-size", "80"], model: model)
      if model != folder.root {
        // A file of weights among the pictures is the model.
        let named = try Program.run(["codebook", model, "--image-size", "80", "--format", "csv"] + Self.pictures)
        #expect(named.status == 0 && named.output.contains("group,1,used,"), "\(named.errors)")
      }
      #expect(bare.root["anchors"] is NSNull)
      for (own, other) in zip(bare.groups, whole.groups) {
        #expect(own["used"] as? Int == other["used"] as? Int)
        #expect(own["entropy_bits"] as? Double == other["entropy_bits"] as? Double)
        #expect(own["margin_mean"] as? Double == other["margin_mean"] as? Double)
      }
    }
  }

  @Test("Drift is measured between folders and between checkpoints")
  func drift() throws {
    let folders = try report(
      Array(Self.pictures[..<2]) + ["--against", Self.pictures[2], "--against", Self.pictures[3]])
    let drift = try #require((folders.root["comparisons"] as? [[String: Any]])?.first)
    #expect(drift["pictures"] as? Int == 2 && (drift["usage"] as? [Any])?.count == 8)

    let turned = try BrokenCheckpoint { name, shape, values in
      guard name == BrokenCheckpoint.embedding else { return }
      let size = 32 * shape[1]
      values[..<size] = ArraySlice(values[..<size].map { -$0 })
    }
    let models = try report(Self.pictures + ["--against-model", turned.path])
    let other = try #require((models.root["comparisons"] as? [[String: Any]])?.first)
    let groups = try #require((other["codes"] as? [String: Any])?["groups"] as? [[String: Any]])
    #expect(groups[0]["mean_cosine"] as? Double ?? 0 < -0.99 && groups[1]["mean_cosine"] as? Double ?? 0 > 0.99)
    #expect(groups[1]["renamed"] as? Int == 0)
    let agreement = try #require(other["agreement"] as? Double)
    #expect(agreement >= 0.875 && agreement < 1)
    let same = try report(Self.pictures + ["--against-model", ParityCase.directory])
    #expect((same.root["comparisons"] as? [[String: Any]])?.first?["agreement"] as? Double == 1)
    #expect(same.words.contains("ok code_drift -"))
  }

  @Test("One code is told with its exemplars, nearest first, and every figure is there as PNG, SVG and PDF")
  func oneCode() throws {
    let folder = try TemporaryFolder()
    let plots = folder.path("plots")
    let whole = try report(Self.pictures)
    let used = try #require(whole.groups[2]["used"] as? Int)
    #expect(used > 0)
    // Some code of the group must occur: ask until one does.
    var found: [String: Any] = [:]
    for code in 0..<32 where found.isEmpty {
      let report = try report(Self.pictures + ["--code", "3:\(code)", "--exemplars", "3", "--plots", plots])
      let answer = try #require(report.root["code"] as? [String: Any])
      #expect(answer["group"] as? Int == 2 && answer["code"] as? Int == code)
      if (answer["count"] as? Int ?? 0) > 3 { found = answer }
    }
    let exemplars = try #require(found["exemplars"] as? [[String: Any]])
    let distances = exemplars.compactMap { $0["distance"] as? Double }
    #expect(distances.count == 3 && distances == distances.sorted())
    #expect((found["nearest"] as? [Any])?.count == 5 && (found["vector"] as? [Any])?.count == 4)
    let names = Set(try FileManager.default.contentsOfDirectory(atPath: plots))
    #expect(names.isSuperset(of: ["usage.png", "code-map.png", "embedding.png", "places.png", "anchors.png"]))
    #expect(names.contains("code-3-\(found["code"] ?? "").png"))
    let starts = [".png": [0x89, 0x50, 0x4E, 0x47], ".svg": Array("<?xm".utf8), ".pdf": Array("%PDF".utf8)]
    for name in names where name.hasSuffix(".png") {
      for (suffix, start) in starts {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(plots)/\(name.dropLast(4) + suffix)"))
        #expect(Array(bytes.prefix(4)) == start, "\(name) as \(suffix)")
      }
    }
    #expect(names.count % 3 == 0)
  }

  @Test("Bad input is one sentence that names what is wrong")
  func badInput() throws {
    let folder = try TemporaryFolder()
    for (arguments, status, word) in [
      (["--model", folder.root], Int32(1), "neither a checkpoint nor a state dict"),
      (["--model", ParityCase.directory + "/config.json"], 1, "config.json"),
      (["--model", ParityCase.directory, "/no/such/picture.png"], 1, "/no/such/picture.png"),
      (["--model", ParityCase.directory + "/expected.safetensors"], 1, "holds no codebook"),
      (["--model", ParityCase.directory, "--against", "x.png"], 2, "--against needs pictures"),
      (["a.pt", "--model", "b"], 2, "a.pt: is a file of weights beside another model"),
      (["--series", ParityCase.directory], 1, "is one checkpoint"), (["--series", "x", "--model", "b"], 2, "--series"),
      (["--image-size", "4"], 2, "--image-size"), (["--code", "0:4"], 2, "--code"),
      (["--model", ParityCase.directory, "--code", "9:4"], 1, "groups 1 to 8 and codes 0 to 31"),
    ] {
      let result = try Program.run(["codebook"] + arguments)
      #expect(result.status == status && result.errors.contains(word), "\(arguments): \(result.errors)")
      #expect(result.output.isEmpty)
    }
  }
}
