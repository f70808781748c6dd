internal import CKernels

/// Which of OpenBLAS's kernel sets a processor deserves.
///
/// OpenBLAS knows processors by model number, and one that is newer than the library may get kernels without AVX: a
/// quarter of the speed. `OPENBLAS_CORETYPE` overrides it, but is only read when the library is loaded.
package enum OpenBLASCore {
  /// Vectors by width, narrowest first.
  package enum Vectors: Int, Comparable {
    case baseline, avx2, avx512

    package static func < (a: Vectors, b: Vectors) -> Bool { a.rawValue < b.rawValue }
  }

  /// The value of `OPENBLAS_CORETYPE` for a processor, nil when any core will do. Only names that OpenBLAS has known
  /// since 0.3.0: Debian 12's 0.3.21 rejects COOPERLAKE and SAPPHIRERAPIDS.
  package static func expected(_ vectors: Vectors, isAMD: Bool) -> String? {
    switch vectors {
    case .avx512: "SKYLAKEX"
    case .avx2: isAMD ? "ZEN" : "HASWELL"
    case .baseline: nil
    }
  }

  /// The value that `OPENBLAS_CORETYPE` should have had, nil when `chosen` is as wide as the processor, is not a core
  /// known to be narrower, or when the user has set the variable.
  package static func override(chosen: String, vectors: Vectors, isAMD: Bool, setByUser: String?) -> String? {
    guard setByUser == nil, let width = widths[chosen.lowercased()], width < vectors else { return nil }
    return expected(vectors, isAMD: isAMD)
  }

  package static var vectorsHere: Vectors {
    switch kernel_widest_vectors() {
    case kernel_vectors_avx512: .avx512
    case kernel_vectors_avx2: .avx2
    default: .baseline
    }
  }

  /// The cores of OpenBLAS 0.3.21 on x86-64 (driver/others/dynamic.c) by the vectors of their `sgemm`.
  private static let widths: [String: Vectors] = [
    "katmai": .baseline, "coppermine": .baseline, "northwood": .baseline, "prescott": .baseline, "banias": .baseline,
    "atom": .baseline, "core2": .baseline, "penryn": .baseline, "dunnington": .baseline, "nehalem": .baseline,
    "athlon": .baseline, "opteron": .baseline, "opteron_sse3": .baseline, "barcelona": .baseline, "nano": .baseline,
    "bobcat": .baseline, "sandybridge": .baseline, "bulldozer": .baseline, "piledriver": .baseline,
    "steamroller": .baseline, "excavator": .baseline, "haswell": .avx2, "zen": .avx2,
  ]
}
