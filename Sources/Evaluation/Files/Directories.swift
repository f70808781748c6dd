import Foundation

func isDirectory(_ path: String) -> Bool {
  var isDirectory: ObjCBool = false
  return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
}

/// The paths in a directory, in the order of their names' bytes.
func filesInDirectory(_ path: String) throws(EvaluationError) -> [String] {
  do {
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { "\(path)/\($0)" }
  } catch {
    throw .unreadable(file: path, reason: (error as NSError).localizedDescription)
  }
}
