import Foundation
import Testing

@testable import Tensor

@Suite("Memory under the limits of control groups") struct AvailableMemoryTests {
  private let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

  private func write(_ group: String, _ files: [String: String]) throws {
    let folder = root.appendingPathComponent(group)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text) in files {
      try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
  }

  private func available(_ membership: String) -> Int? {
    ControlGroups(membership: membership, root: root.path).available
  }

  @Test("The tightest of a job's group and those above it counts, and pages of files in it make room")
  func second() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    #expect(available("0::/slurm/job_7\n") == nil)
    try write("slurm/job_7", ["memory.max": "max\n", "memory.current": "900\n"])
    #expect(available("0::/slurm/job_7\n") == nil)
    try write("slurm", ["memory.max": "1000\n", "memory.current": "900\n"])
    #expect(available("0::/slurm/job_7\n") == 100)
    try write("slurm", ["memory.stat": "anon 200\nactive_file 300\ninactive_file 400\nfile 700\n"])
    #expect(available("0::/slurm/job_7\n") == 800)
    try write("slurm/job_7", ["memory.max": "950\n", "memory.current": "960\n"])
    #expect(available("0::/slurm/job_7\n") == 0)
    #expect(available("0::/\n") == nil)
  }

  @Test("Groups of the first version are read where theirs are, and other controllers are passed over")
  func first() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    try write("memory", ["memory.limit_in_bytes": "9223372036854771712\n", "memory.usage_in_bytes": "5000\n"])
    try write(
      "memory/job",
      [
        "memory.limit_in_bytes": "1000\n", "memory.usage_in_bytes": "900\n",
        "memory.stat": "inactive_file 1\ntotal_inactive_file 50\ntotal_active_file 50\n",
      ])
    try write("job", ["memory.max": "1\n", "memory.current": "1\n"])
    #expect(available("9:name=systemd:/job\n4:cpu,memory:/job\n0::/\n") == 200)
    #expect(available("4:memory:/elsewhere\n") == Int.max - 4095 - 5000)
    #expect(available("no line of the kernel's\n") == nil)
  }
}
