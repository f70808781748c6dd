import Foundation
import Statistics

/// What a worker tells the process that watches it, through a file that both have mapped.
struct Progress: @unchecked Sendable {
  /// The number of the input it is on; then for each target how many were taken and how many refused.
  private let numbers: UnsafeMutablePointer<Int64>
  private static let capacity = 512

  init(path: String) throws {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0, ftruncate(descriptor, off_t(Self.capacity * 8)) == 0,
      let memory = mmap(nil, Self.capacity * 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
    else { throw FuzzFailure(description: "\(path): \(String(cString: strerror(errno)))") }
    close(descriptor)
    numbers = memory.bindMemory(to: Int64.self, capacity: Self.capacity)
  }

  var index: Int {
    get { Int(numbers[0]) }
    nonmutating set { numbers[0] = Int64(newValue) }
  }

  func taken(_ target: Int) -> Int { Int(numbers[1 + 2 * target]) }
  func refused(_ target: Int) -> Int { Int(numbers[2 + 2 * target]) }
  func count(_ target: Int, taken: Bool) { numbers[(taken ? 1 : 2) + 2 * target] += 1 }
}

/// Reads inputs one after another until it is told to end, or dies of one.
struct Worker {
  let targets: [Target]
  let scratch: String
  /// The most resident memory that any input may lead to.
  let largestMemory: Int
  /// How a worker ends that found what is no crash.
  static let memoryStatus: Int32 = 41
  static let findingStatus: Int32 = 42

  init(scratch: String, largestMemory: Int = .max) throws {
    self.scratch = scratch
    self.largestMemory = largestMemory
    targets = FileTargets.all + (try ModelTargets.all(scratch: scratch))
    for target in targets {
      try FileManager.default.createDirectory(atPath: "\(scratch)/\(target.name)", withIntermediateDirectories: true)
    }
  }

  /// Inputs `first` up to `end` of a stream.
  func run(_ stream: InputStream, first: Int, end: Int, progress: Progress) throws {
    for index in first..<end {
      progress.index = index
      let (number, bytes) = stream.input(index)
      progress.count(number, taken: try read(bytes, stream.targets[number]))
    }
    progress.index = end
  }

  /// Whether the input was taken; ends the process if it should not have come to this.
  func read(_ bytes: [UInt8], _ target: Target) throws -> Bool {
    let path = try target.place(bytes, in: scratch)
    var isTaken = true
    do {
      try target.read(path)
    } catch let finding as FuzzFinding {
      complain("\(target.name): \(finding.description)")
      exit(Self.findingStatus)
    } catch {
      guard !"\(error)".isEmpty else {
        complain("\(target.name): an error without words")
        exit(Self.findingStatus)
      }
      isTaken = false
    }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    if usage.ru_maxrss << 10 > largestMemory {
      complain("\(target.name): \(usage.ru_maxrss >> 10) MiB of memory")
      exit(Self.memoryStatus)
    }
    return isTaken
  }

  private func complain(_ words: String) { FileHandle.standardError.write(Data("\(words)\n".utf8)) }
}
