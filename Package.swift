// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is compiled in the Swift 6 language mode with the features that the next mode turns on,
/// and a warning of ours is an error: what ships compiles cleanly.
let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let c: [CSetting] = [
  .define("_GNU_SOURCE"),
  .unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"]),
]

/// A library target of Swift code, in `Sources/<name>`.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swift)
}

/// The tests of the library `name`, in `Tests/<name>Tests`; `fixtures` are copied beside the test bundle.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], fixtures: Bool = false) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.byName(name: name), "TestSupport"] + dependencies,
    exclude: fixtures ? ["Fixtures"] : [],
    swiftSettings: swift
  )
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "vocoscope",
  products: [
    .executable(name: "vocoscope", targets: ["vocoscope"]),
    .executable(name: "vocoscope-bench", targets: ["vocoscope-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0")
  ],
  targets: [
    // C interop: each shim hides one system library.
    .systemLibrary(name: "CChafaLibrary", pkgConfig: "chafa", providers: [.apt(["libchafa-dev", "libglib2.0-dev"])]),
    .target(name: "CChafa", dependencies: ["CChafaLibrary"], cSettings: c, linkerSettings: [.linkedLibrary("chafa")]),
    .target(name: "CNcurses", cSettings: c, linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]),
    .target(name: "COpenBLAS", cSettings: c, linkerSettings: [.linkedLibrary("openblas")]),
    .target(name: "COneDNN", cSettings: c, linkerSettings: [.linkedLibrary("dnnl")]),
    .target(
      name: "CSentencePiece", cxxSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra"])],
      linkerSettings: [.linkedLibrary("sentencepiece")]),
    .target(
      name: "CImageCodecs", cSettings: c, linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),
    .target(name: "CKernels", cSettings: c),
    .target(name: "CCairo", cSettings: c, linkerSettings: [.linkedLibrary("cairo")]),

    // Files → tensors → model → trace → evidence.
    library("Tensor", ["COpenBLAS", "COneDNN", "CKernels"]),
    library("JSON", []),
    library("Checkpoint", ["JSON", "Tensor"]),
    library("ImageLoading", ["CImageCodecs", "Tensor"]),
    library("Tokenization", ["CSentencePiece", "Tensor"]),
    library("Trace", ["Tensor", "Checkpoint", "JSON"]),
    library("HTCVLM", ["Tensor", "Checkpoint", "JSON", "ImageLoading", "Tokenization", "Trace"]),
    library("Evidence", ["Tensor", "Trace"]),
    library("Verification", ["Tensor", "Checkpoint", "ImageLoading", "HTCVLM", "Trace", "Evidence"]),

    // Benchmark files → questions → scores; the model's answers come in through a closure.
    library("Evaluation", ["JSON"]),

    // State → frame → screen.
    library("TerminalUI", []),
    library("Inspector", ["TerminalUI", "Evidence", "Trace", "Tensor"]),
    library("ChafaPictures", ["CChafa", "TerminalUI"]),
    library("CursesTerminal", ["CNcurses", "TerminalUI"]),

    // Measurements → figures.
    library("Plots", ["CCairo", "ImageLoading", "TerminalUI"]),

    .executableTarget(
      name: "vocoscope",
      dependencies: [
        "Tensor", "Checkpoint", "ImageLoading", "Tokenization", "Trace", "HTCVLM", "Evidence", "Verification",
        "Evaluation", "JSON", "TerminalUI", "Inspector", "ChafaPictures", "CursesTerminal", "Plots", argumentParser,
      ],
      swiftSettings: swift),
    .executableTarget(
      name: "vocoscope-bench",
      dependencies: [
        "Tensor", "JSON", "Checkpoint", "ImageLoading", "Tokenization", "HTCVLM", "Trace", "TerminalUI", "Plots",
        "TestSupport", argumentParser,
      ],
      resources: [.embedInCode("Peers/torch_peer.py"), .embedInCode("Peers/llama_peer.py")],
      swiftSettings: swift),

    .target(
      name: "TestSupport", dependencies: ["Tensor", "JSON", "Checkpoint", "ImageLoading", "HTCVLM", "TerminalUI"],
      path: "Tests/TestSupport",
      swiftSettings: swift),
    tests("Tensor"),
    tests("JSON"),
    tests("Checkpoint", ["JSON"], fixtures: true),
    tests("ImageLoading", fixtures: true),
    tests("Tokenization", fixtures: true),
    tests("Trace", fixtures: true),
    tests("HTCVLM", ["JSON"], fixtures: true),
    tests("Evidence", fixtures: true),
    tests("Verification", ["Tensor", "Checkpoint", "ImageLoading", "Tokenization", "HTCVLM", "Evidence"]),
    tests("Evaluation", ["JSON"], fixtures: true),
    tests("TerminalUI", fixtures: true),
    tests("Inspector", fixtures: true),
    tests("ChafaPictures", ["TerminalUI"]),
    tests("Plots", ["ImageLoading", "TerminalUI"]),
    .executableTarget(
      name: "curses-probe", dependencies: ["CursesTerminal", "TerminalUI"], path: "Tests/CursesProbe",
      swiftSettings: swift),
    tests("CursesTerminal", ["curses-probe", "TerminalUI"]),
    .testTarget(
      name: "vocoscopeTests",
      dependencies: ["TestSupport", "TerminalUI", "Checkpoint", "Tensor", "vocoscope", "vocoscope-bench"],
      swiftSettings: swift),
  ],
  cxxLanguageStandard: .cxx17
)
