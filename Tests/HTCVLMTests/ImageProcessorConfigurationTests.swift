import Files
import Foundation
import HTCVLM
import ImageLoading
import JSON
import Safetensors
import Tensor
import Testing

@Suite("preprocessor_config.json")
struct ImageProcessorConfigurationTests {
  private static let side = 20

  /// A line of `processed.txt`, which holds what transformers makes of noise.
  struct Recorded: Sendable, CustomTestStringConvertible {
    let width: Int
    let height: Int
    let seed: Int
    let name: String
    let settings: String
    /// nil where transformers makes another size of it than the tower takes.
    let digest: String?

    init(_ line: Substring) {
      let words = line.split(separator: " ").map(String.init)
      (width, height, seed) = (Int(words[0]) ?? 0, Int(words[1]) ?? 0, Int(words[2]) ?? 0)
      name = words[3]
      settings = words[4]
      digest = words[5] == "refused" ? nil : words[5]
    }

    var testDescription: String { "\(name) of \(width)×\(height)" }
  }

  private static let recorded: [Recorded] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Fixtures/processed.txt")
    let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
    precondition(!text.isEmpty, "processed.txt is missing or empty")
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(Recorded.init)
  }()

  private func read(
    _ text: String, side: Int = Self.side, as name: String = "preprocessor_config.json"
  ) throws -> ImageProcessorConfiguration {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("processor-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try FileContents.write(Array(text.utf8), to: "\(directory)/\(name)")
    return try ImageProcessorConfiguration(directory: directory, imageSize: side)
  }

  /// The high bytes of a linear congruential generator, as the fixtures' generator draws them.
  private func noise(width: Int, height: Int, seed: Int) -> Picture {
    var state = UInt32(seed)
    return Picture(width: width, height: height) { pixels in
      for index in pixels.indices {
        state = state &* 1_664_525 &+ 1_013_904_223
        pixels[index] = UInt8(state >> 24)
      }
    }
  }

  private func values(_ settings: String, _ image: Picture) throws -> Tensor {
    let configuration = try read(settings)
    return try ImagePreprocessor(imageSize: Self.side, steps: configuration.steps, aspect: .square).pixelValues(image)
  }

  @Test("Settings make of a picture what transformers makes of it, bit for bit, or are refused", arguments: recorded)
  func transformers(recorded: Recorded) throws {
    let image = noise(width: recorded.width, height: recorded.height, seed: recorded.seed)
    guard let digest = recorded.digest else {
      #expect(throws: (any Error).self) { try values(recorded.settings, image) }
      return
    }
    let found = try values(recorded.settings, image).values.withUnsafeBytes { SHA256.hexDigest(of: $0) }
    #expect(found == digest)
  }

  @Test("transformers 5 nests the settings, which then win over a file of their own")
  func nested() throws {
    let text = #"{"processor_class": "P", "image_processor": {"size": 20, "crop_size": 20, "image_mean": 0.5}}"#
    #expect(try read(text, as: "processor_config.json").steps.mean == [0.5, 0.5, 0.5])
    let wrong = #"{"image_processor": {"size": 20, "crop_size": 19}}"#
    let error = #expect(throws: CheckpointError.self) { try read(wrong, as: "processor_config.json") }
    #expect(error?.description.contains("processor_config.json: image_processor.crop_size is 19; expected 20") == true)
    // A file of another kind of the same name is none of the picture's business.
    #expect(try read(#"{"processor_class": "P"}"#, as: "processor_config.json") == .clip(imageSize: Self.side))
  }

  @Test(
    "A setting that is not carried out is refused by its key",
    arguments: [
      ("size", "{}"), ("size", #"{"longest_edge": 20}"#), ("size", #"{"shortest_edge": 20, "width": 20}"#),
      ("size", "0"), ("size", #""20""#), ("size", "[20]"), ("crop_size", "19"),
      ("crop_size", #"{"shortest_edge": 20}"#),
      ("crop_size", #"{"height": 20, "width": 21}"#), ("resample", "6"), ("resample", #""bicubic""#),
      ("do_center_crop", "1"), ("image_mean", "[0.5, 0.5]"), ("image_mean", #"[0.5, 0.5, "a"]"#),
      ("image_std", "[0, 1, 1]"), ("image_std", "[1e-60, 1, 1]"), ("rescale_factor", "true"),
      ("do_normalize", #""no""#), ("image_processor_type", #""SiglipImageProcessor""#),
      ("data_format", #""channels_last""#), ("use_square_size", "true"), ("do_flip_channel_order", "true"),
      ("do_thumbnail", "true"), ("crop_pct", "0.9"), ("size_divisor", "32"),
    ])
  func refused(key: String, value: String) {
    let rest = ["\"size\": 20", "\"crop_size\": 20"].filter { !$0.hasPrefix("\"\(key)\"") }
    let text = "{\((rest + ["\"\(key)\": \(value)"]).joined(separator: ", "))}"
    let error = #expect(throws: CheckpointError.self) { try read(text) }
    #expect(error?.description.contains("/preprocessor_config.json: \(key)") == true, "\(error?.description ?? "")")
  }

  @Test(
    "A key that no processor's step reads is passed over, as transformers does",
    arguments: ["\"unheard_of\": {}", "\"do_reduce_labels\": false", "\"do_thumbnail\": false", "\"vision\": [1]"])
  func passedOver(_ member: String) throws {
    let plain = #""size": 20, "crop_size": 20"#
    var steps = try read("{\(plain), \(member)}").steps
    let expected = try read("{\(plain)}").steps
    // Each says which file it is from.
    steps.path = expected.path
    #expect(steps == expected)
  }

  @Test("Padding by pad_size is refused, and without it changes nothing of one picture")
  func padding() throws {
    let plain = #""size": 20, "crop_size": 20"#
    #expect(try read("{\(plain), \"do_pad\": true}").steps.crop == PixelSize(height: 20, width: 20))
    #expect(throws: CheckpointError.self) { try read("{\(plain), \"do_pad\": true, \"pad_size\": 24}") }
    let llava = #""image_processor_type": "LlavaImageProcessor""#
    #expect(throws: CheckpointError.self) { try read("{\(plain), \(llava), \"do_pad\": true}") }
  }

  @Test("CLIPImageProcessor's own default is 224, which a tower of another size cannot take")
  func defaults() throws {
    let clip = try read("{}", side: 224)
    #expect(clip.steps.resize == .shortestEdge(224) && clip.steps.crop == PixelSize(height: 224, width: 224))
    let error = #expect(throws: CheckpointError.self) { try read(#"{"size": 20}"#) }
    #expect(error?.description.contains("the key crop_size is missing") == true)
    #expect(error?.description.contains("default is 224") == true)
  }

  @Test("What is written is read as the same")
  func written() throws {
    for recorded in Self.recorded {
      guard let configuration = try? read(recorded.settings) else { continue }
      var steps = try read(configuration.json.document).steps
      steps.path = configuration.steps.path
      #expect(steps == configuration.steps, "\(recorded.name)")
    }
  }
}
