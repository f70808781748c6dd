import Glibc

extension Directory {
  /// What systems put into every directory beside the files of its owner: attributes of files on foreign volumes, folder
  /// views, thumbnails.
  package static func isCompanion(_ name: String) -> Bool { name.hasPrefix("._") || companions.contains(name) }

  private static let companions: Set<String> = [
    ".DS_Store", ".AppleDouble", ".AppleDB", ".AppleDesktop", ".Spotlight-V100", ".TemporaryItems", ".Trashes",
    ".fseventsd", "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",
    "@eaDir", ".thumbnails", "lost+found",
  ]

  /// The files below the directory at `path` whose names end in one of `endings`, compared without case, in the order of
  /// their paths' bytes. Symbolic links are followed, each directory is searched once, so that loops end, and what systems
  /// leave behind is passed over. A link that leads nowhere is among the files, for whoever opens it to say so.
  ///
  /// - Throws: `FileError` naming a directory that cannot be listed, or a file whose name is no text.
  package static func files(below path: String, endings: Set<String>) throws(FileError) -> [String] {
    var search = FileSearch(endings: endings)
    try search.enter(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    return search.found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Whether a file's name ends in one of `endings`, compared without case.
  static func has(_ name: String, endingIn endings: Set<String>) -> Bool {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
    return endings.contains(name[name.index(after: dot)...].lowercased())
  }
}

private struct FileSearch {
  struct Place: Hashable {
    let device: dev_t
    let inode: ino_t
  }

  let endings: Set<String>
  var found: [String] = []
  private var seen: Set<Place> = []
  /// Directories within directories, so that none can exhaust the stack.
  private static let deepest = 256

  init(endings: Set<String>) { self.endings = endings }

  mutating func enter(_ path: String, depth: Int = 0) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError(reading: path) }
    guard depth < Self.deepest else {
      throw FileError(path: path, reason: .system("it lies below \(Self.deepest) directories, more than are searched"))
    }
    guard seen.insert(Place(device: status.st_dev, inode: status.st_ino)).inserted else { return }
    for name in try Directory.names(path) where !Directory.isCompanion(name) {
      let entry = "\(path == "/" ? "" : path)/\(name)"
      var status = stat()
      if stat(entry, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        try enter(entry, depth: depth + 1)
      } else if Directory.has(name, endingIn: endings) {
        // Bytes that are no text were replaced, and the name is then not there.
        guard !name.unicodeScalars.contains("\u{FFFD}") || access(entry, F_OK) == 0 else {
          throw FileError(path: entry, reason: .nameNotUTF8)
        }
        found.append(entry)
      }
    }
  }
}

/// Directories and what is in them.
package enum Directory {
  /// Whether `path` leads to a directory.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in the directory at `path` but `.` and `..`, in the order of their bytes.
  ///
  /// - Throws: `FileError`, naming `path`.
  package static func names(_ path: String) throws(FileError) -> [String] {
    guard let directory = opendir(path) else { throw FileError(reading: path) }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [46] && name != [46, 46] { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The same without what systems put into every directory.
  ///
  /// - Throws: `FileError`, naming `path`.
  package static func ownNames(_ path: String) throws(FileError) -> [String] {
    try names(path).filter { !isCompanion($0) }
  }

  /// Makes the directory at the absolute path and those above it, as far as that can be done.
  package static func make(_ path: String) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/\(part)"
      mkdir(made, 0o777)
    }
  }

  /// The path without links, `.` and `..`; `nil` if it leads nowhere.
  package static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The directory that the last part of `path` is in.
  package static func above(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// What names are sorted by that hold numbers, `layers.9` before `layers.10` and `step-10` before `step-final`: a name's
/// bytes, its numbers as numbers, which come before letters.
package func numericOrder(_ name: String) -> [Int] {
  let letters = 1 << 41
  var key: [Int] = []
  var number: Int?
  for byte in name.utf8 {
    if UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
      number = min((number ?? 0) * 10 + Int(byte - 48), 1 << 40)
    } else {
      if let value = number { key.append(value) }
      number = nil
      key.append(letters + Int(byte))
    }
  }
  return key + (number.map { [$0] } ?? [])
}
