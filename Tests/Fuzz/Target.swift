import Foundation
import Statistics

/// A kind of file and the code that reads it, as far as the program goes with it.
struct Target {
  let name: String
  let format: Format
  /// Out of all inputs this many, for targets that run a model take longer.
  let weight: Int
  let seeds: [[UInt8]]
  /// What the input is called, within the folder that the worker has to itself.
  let file: String
  /// Reads the input at `path`; a thrown error is a refusal, and must say something.
  let read: (_ path: String) throws -> Void

  init(
    _ name: String, _ format: Format, weight: Int = 80, seeds: [[UInt8]], file: String = "input",
    read: @escaping (_ path: String) throws -> Void
  ) {
    precondition(!seeds.isEmpty, "\(name) has no seeds")
    self.name = name
    self.format = format
    self.weight = weight
    self.seeds = seeds
    self.file = file
    self.read = read
  }

  /// Writes the input in its place.
  func place(_ bytes: [UInt8], in scratch: String) throws -> String {
    let path = "\(scratch)/\(name)/\(file)"
    // A link into the fixtures may stand there.
    unlink(path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FuzzFailure(description: "\(path): \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    guard bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
      throw FuzzFailure(description: "\(path): \(String(cString: strerror(errno)))")
    }
    return path
  }
}

/// What is wrong with the fuzzer, or what it found that is no crash.
struct FuzzFailure: Error, CustomStringConvertible {
  let description: String
}

/// Input number `index` of a seed: the same in every process.
struct InputStream {
  let targets: [Target]
  let seed: UInt64
  private let places: [Int]

  init(targets: [Target], seed: UInt64) {
    self.targets = targets
    self.seed = seed
    places = targets.indices.flatMap { [Int](repeating: $0, count: targets[$0].weight) }
  }

  func input(_ index: Int) -> (target: Int, bytes: [UInt8]) {
    var random = SplitMix64(seed: seed, stream: String(index))
    let number = places[random.below(places.count)]
    let target = targets[number]
    let bytes = target.seeds[random.below(target.seeds.count)]
    let other = target.seeds[random.below(target.seeds.count)]
    return (number, target.format.mutated(bytes, beside: other, random: random))
  }
}

/// The fixtures that inputs are made from.
enum Fixtures {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
  static let parity = "\(root)/HTCVLMTests/Fixtures/parity"
  static let families = "\(root)/HTCVLMTests/Fixtures/families"

  static func bytes(_ path: String) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: "\(root)/\(path)") else { preconditionFailure("no \(path)") }
    return [UInt8](data)
  }

  /// Files below a folder of the tests with one of the endings, at most `largest` bytes long, in the order of their names.
  static func all(_ folder: String, _ endings: [String], largest: Int = 1 << 16) -> [[UInt8]] {
    let paths = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
    return paths.filter { path in endings.contains(where: path.hasSuffix) }.sorted().map { bytes("\(folder)/\($0)") }
      .filter { $0.count <= largest }
  }
}
