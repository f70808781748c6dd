import Foundation
import Statistics

/// What a worker tells the process that watches it, through a file that both have mapped.
struct Progress: @unchecked Sendable {
  /// The number of the input it is on; then for each target how many were taken, how many refused, and the nanoseconds
  /// of processor time that reading took.
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

  func taken(_ target: Int) -> Int { Int(numbers[1 + 3 * target]) }
  func refused(_ target: Int) -> Int { Int(numbers[2 + 3 * target]) }
  func nanoseconds(_ target: Int) -> Int { Int(numbers[3 + 3 * target]) }
  func count(_ target: Int, taken: Bool, nanoseconds: Int64) {
    numbers[(taken ? 1 : 2) + 3 * target] += 1
    numbers[3 + 3 * target] += nanoseconds
  }
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
    let watcher = getppid()
    // Without the process that watched there is nobody to tell.
    for index in first..<end where getppid() == watcher {
      progress.index = index
      let start = Self.processorTime
      let (number, bytes) = stream.input(index)
      let isTaken = try read(bytes, stream.targets[number])
      progress.count(number, taken: isTaken, nanoseconds: Self.processorTime - start)
    }
    progress.index = end
  }

  private static var processorTime: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// A target that takes none of its seeds reads nothing but its first check, whatever is changed in them.
  func readSeeds(of targets: [Target]) throws {
    for target in targets {
      let reasons = try target.seeds.map { try refusal(of: $0, target) }
      if !reasons.contains(nil), let reason = reasons.first {
        complain("\(target.name): refuses all of its seeds: \(reason ?? "")")
        exit(Self.findingStatus)
      }
    }
  }

  func read(_ bytes: [UInt8], _ target: Target) throws -> Bool { try refusal(of: bytes, target) == nil }

  /// Why the input was not taken; ends the process if it should not have come to this.
  private func refusal(of bytes: [UInt8], _ target: Target) throws -> String? {
    let path = try target.place(bytes, in: scratch)
    var refusal: String?
    do {
      try target.read(path)
    } catch let finding as FuzzFinding {
      complain("\(target.name): \(finding.description)")
      exit(Self.findingStatus)
    } catch {
      refusal = "\(error)"
      guard refusal?.isEmpty == false else {
        complain("\(target.name): an error without words")
        exit(Self.findingStatus)
      }
    }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    if usage.ru_maxrss << 10 > largestMemory {
      complain("\(target.name): \(usage.ru_maxrss >> 10) MiB of memory")
      exit(Self.memoryStatus)
    }
    return refusal
  }

  private func complain(_ words: String) { FileHandle.standardError.write(Data("\(words)\n".utf8)) }
}
