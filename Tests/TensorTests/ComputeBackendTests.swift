import CKernels
import Foundation
import Synchronization
import Tensor
import Testing

/// How many parts of a loop run at once.
private final class Counter: Sendable {
  let running = Atomic(0)
  let most = Atomic(0)
  let done = Atomic(0)

  func part() {
    most.max(running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
    usleep(200)
    running.subtract(1, ordering: .relaxed)
    done.add(1, ordering: .relaxed)
  }

  /// Runs a loop of parts that count themselves.
  func run(parts: Int, threads: Int) {
    kernel_run_parts(
      parts, threads, { context, _ in Unmanaged<Counter>.fromOpaque(context!).takeUnretainedValue().part() },
      Unmanaged.passUnretained(self).toOpaque())
  }
}

@Suite("Compute backend") struct ComputeBackendTests {
  @Test("A core narrower than the processor is overridden, by a name that OpenBLAS 0.3.21 accepts")
  func override() {
    func override(_ chosen: String, _ vectors: OpenBLASCore.Vectors, isAMD: Bool = false) -> String? {
      OpenBLASCore.override(chosen: chosen, vectors: vectors, isAMD: isAMD, setByUser: nil)
    }
    #expect(override("Prescott", .avx512) == "SKYLAKEX")
    #expect(override("Haswell", .avx512) == "SKYLAKEX")
    #expect(override("Zen", .avx512, isAMD: true) == "SKYLAKEX")
    #expect(override("Sandybridge", .avx2) == "HASWELL")
    #expect(override("Barcelona", .avx2, isAMD: true) == "ZEN")
  }

  @Test("A core as wide as the processor, a newer core and the user's choice are left alone")
  func noOverride() {
    for core in ["SkylakeX", "Cooperlake", "SapphireRapids", "GraniteRapids", "armv8"] {
      #expect(OpenBLASCore.override(chosen: core, vectors: .avx512, isAMD: false, setByUser: nil) == nil)
    }
    #expect(OpenBLASCore.override(chosen: "Zen", vectors: .avx2, isAMD: false, setByUser: nil) == nil)
    #expect(OpenBLASCore.override(chosen: "Prescott", vectors: .baseline, isAMD: false, setByUser: nil) == nil)
    #expect(OpenBLASCore.override(chosen: "Prescott", vectors: .avx512, isAMD: false, setByUser: "Prescott") == nil)
  }

  @Test("The library names its core, and a measured product has a speed")
  func here() {
    #expect(!ComputeBackend.openBLASCore.isEmpty)
    #expect(ComputeBackend.processors >= 1)
    #expect(ComputeBackend.measureGEMM() > 0)
  }

  @Test("Results do not depend on the number of threads", .serialized, arguments: [2, 3, 7])
  func threads(count: Int) {
    let (a, b) = (ramp([130, 300]), ramp([517, 300]))
    let x = ramp([64, 48, 40])
    let groups = [1, 4, 64]
    func results() -> [Tensor] {
      [matmul(a, b, transposeB: true), matmul(b, a, transposeB: true), Activation.gelu(ramp([70_000]))]
        + groups.map { groups in
          Conv2D(weight: ramp([128, 64 / groups, 5, 5]), bias: ramp([128]), padding: 2, groups: groups)(x)
        }
    }
    ComputeBackend.setThreads(1)
    let expected = results()
    ComputeBackend.setThreads(count)
    defer { ComputeBackend.setThreads(ComputeBackend.processors) }
    for (result, expected) in zip(results(), expected) {
      #expect(result.shape == expected.shape && largestDifference(result, expected.values) < 1e-4)
    }
  }

  @Test("A loop of few threads gets no more of them, though a wider one has just left more awake")
  func limitOfThreads() {
    for _ in 0..<30 {
      let (wide, narrow) = (Counter(), Counter())
      wide.run(parts: 8, threads: 8)
      narrow.run(parts: 12, threads: 2)
      #expect(wide.done.load(ordering: .relaxed) == 8 && narrow.done.load(ordering: .relaxed) == 12)
      #expect(narrow.most.load(ordering: .relaxed) <= 2)
    }
    let counter = Counter()
    counter.run(parts: 0, threads: 4)
    #expect(counter.done.load(ordering: .relaxed) == 0)
    counter.run(parts: 3, threads: 0)
    #expect(counter.done.load(ordering: .relaxed) == 3 && counter.most.load(ordering: .relaxed) == 1)
  }

  @Test("One convolution serves several sizes and threads at a time")
  func concurrentConvolution() async {
    let conv = Conv2D(weight: ramp([8, 4, 3, 3]), bias: ramp([8]), padding: 1)
    let sizes = [9, 16, 9, 31, 16, 9]
    let expected = sizes.map { conv(ramp([4, $0, $0])) }
    await withTaskGroup(of: Bool.self) { group in
      for (size, picture) in zip(sizes, expected) { group.addTask { conv(ramp([4, size, size])) == picture } }
      for await isEqual in group { #expect(isEqual) }
    }
  }
}
