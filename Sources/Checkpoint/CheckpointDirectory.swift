internal import Glibc
package import JSON
package import Tensor

/// A checkpoint directory, its files opened and its configuration read; weights stay on disk until they are used.
package struct CheckpointDirectory: Sendable {
  package let path: String
  /// The directory's own name.
  package let name: String
  package let configuration: HTCVLMConfiguration
  package let preprocessor: ImageProcessorConfiguration
  /// Every tensor by the name in its file.
  package let tensors: [String: StoredTensor]
  package let tokenizerPath: String
  /// SHA-256 of `config.json`, in hexadecimal.
  package let configSHA256: String
  /// SHA-256 over the weight files' headers in the order of their names, in hexadecimal.
  package let weightsSHA256: String

  /// Opens the directory at `path`.
  ///
  /// - Throws: `CheckpointError` naming the file, and the key or tensor in it, that cannot be used.
  package init(path: String) throws(CheckpointError) {
    guard Self.isDirectory(path) else {
      if access(path, F_OK) == 0 { throw .malformed(path: path, problem: "is a file, not a checkpoint directory") }
      throw .unreadable(FileError(path: path, reason: .missing))
    }
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.path = path
    self.name = Self.lastComponent(path)
    let configPath = "\(path)/config.json"
    let configBytes = try readSmallFile(configPath)
    configuration = try HTCVLMConfiguration(document: JSONValue(bytes: configBytes, path: configPath), path: configPath)
    configSHA256 = SHA256.hexDigest(of: configBytes)

    let processorPath = "\(path)/preprocessor_config.json"
    let imageSize = configuration.vision.imageSize
    preprocessor =
      access(processorPath, F_OK) == 0
      ? try ImageProcessorConfiguration(path: processorPath, imageSize: imageSize) : .clip(imageSize: imageSize)

    tokenizerPath = "\(path)/tokenizer.model"
    do { _ = try MappedFile(path: tokenizerPath) } catch { throw .unreadable(error) }

    let weights = try WeightFiles(directory: path)
    tensors = weights.tensors
    weightsSHA256 = SHA256.hexDigest(of: weights.headerBytes)
  }

  /// A checkpoint whose parts were opened one by one; `path` is the directory that files about it go into.
  package init(
    path: String, configuration: HTCVLMConfiguration, preprocessor: ImageProcessorConfiguration,
    tensors: [String: StoredTensor], tokenizerPath: String, configSHA256: String, weightsSHA256: String
  ) {
    self.path = path
    name = Self.lastComponent(path)
    self.configuration = configuration
    self.preprocessor = preprocessor
    self.tensors = tensors
    self.tokenizerPath = tokenizerPath
    self.configSHA256 = configSHA256
    self.weightsSHA256 = weightsSHA256
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The name that the path leads to, also for `.` and `..`.
  private static func lastComponent(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved).split(separator: "/").last.map(String.init) ?? "/"
  }
}

/// The largest configuration or index that is read into memory.
private let largestSmallFile = 64 << 20

/// All bytes of a file of moderate size.
func readSmallFile(_ path: String) throws(CheckpointError) -> [UInt8] {
  do { return try FileContents.read(path: path, limit: largestSmallFile) } catch { throw .unreadable(error) }
}

extension JSONValue {
  /// The JSON document in the file at `path`.
  package init(file path: String) throws(CheckpointError) {
    try self.init(bytes: readSmallFile(path), path: path)
  }

  /// The JSON document `bytes`, which errors call `path`.
  init(bytes: [UInt8], path: String) throws(CheckpointError) {
    do {
      try self.init(parsing: bytes)
    } catch {
      throw CheckpointError.malformed(path: path, problem: "not valid JSON: \(error)")
    }
  }
}
