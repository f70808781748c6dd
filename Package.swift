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
      name: "CImageCodecs", cSettings: c,
      linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("z")]),
    .target(name: "CKernels", cSettings: c),
    .target(name: "CFiles", cSettings: c),
    .target(name: "CCairo", cSettings: c, linkerSettings: [.linkedLibrary("cairo")]),

    // Files → tensors → model → trace → evidence.
    library("Files", ["CFiles"]),
    library("JSON", []),
    library("Statistics", []),
    library("ColorMaps", []),
    library("Tensor", ["COpenBLAS", "COneDNN", "CKernels", "Files"]),
    library("Safetensors", ["Files", "JSON", "Tensor"]),
    library("WeightFormats", ["Files", "JSON", "Safetensors", "Tensor"]),
    library("ImageLoading", ["CImageCodecs", "Files", "Tensor"]),
    library("Tokenization", ["CSentencePiece", "Files", "JSON", "Tensor"]),
    library("Trace", ["JSON", "Safetensors", "Tensor"]),
    library(
      "HTCVLM",
      [
        "Files", "JSON", "Statistics", "Tensor", "Safetensors", "WeightFormats", "ImageLoading", "Tokenization",
        "Trace",
      ]),
    library("Evidence", ["Statistics", "Tensor", "Trace"]),

    // Benchmark files → questions → scores; the model's answers come in through a closure.
    .target(
      name: "Evaluation", dependencies: ["Files", "JSON", "Statistics"],
      // Its tests reach inside, also in a release build.
      swiftSettings: swift + [.unsafeFlags(["-enable-testing"])]),

    // Runs over many pictures.
    library(
      "Experiments",
      [
        "Files", "JSON", "Statistics", "Tensor", "Safetensors", "WeightFormats", "ImageLoading", "Tokenization",
        "HTCVLM", "Trace",
        "Evidence", "Evaluation", "Reports", "Plots", "ColorMaps",
      ]),

    // State → frame → screen.
    library("TerminalUI", ["ColorMaps"]),
    library("Inspector", ["ColorMaps", "Statistics", "TerminalUI", "Evidence", "Trace", "Tensor", "Reports"]),
    library("DemoTour", ["ColorMaps", "Statistics", "TerminalUI", "Evidence", "Trace", "Tensor", "Inspector"]),
    library("ChafaPictures", ["CChafa", "ColorMaps", "TerminalUI"]),
    library("CursesTerminal", ["CNcurses", "ColorMaps", "TerminalUI"]),

    // Measurements → figures.
    library("Plots", ["CCairo", "ColorMaps", "Files", "ImageLoading", "Tensor"]),
    library("Reports", ["Files", "Statistics", "TerminalUI", "Evidence", "Trace"]),

    // State → files: figures, tables, arrays, screens.
    library(
      "PanelExport",
      [
        "Files", "Statistics", "ColorMaps", "Tensor", "Safetensors", "WeightFormats", "Trace", "Evidence",
        "TerminalUI", "Inspector", "Plots",
      ]),

    // A session: what commands share, the model behind a screen, the run loops, and where things lie.
    library(
      "Sessions",
      [
        "Files", "Statistics", "ColorMaps", "Tensor", "WeightFormats", "Trace", "HTCVLM", "Evidence", "Experiments",
        "Reports", "TerminalUI", "Inspector", "DemoTour", "ChafaPictures", "CursesTerminal", "PanelExport",
        argumentParser,
      ]),

    .executableTarget(
      name: "vocoscope",
      dependencies: [
        "Files", "Statistics", "ColorMaps", "Tensor", "Safetensors", "WeightFormats", "ImageLoading", "Tokenization",
        "Trace", "HTCVLM", "Evidence", "Experiments", "Reports", "Evaluation", "JSON", "TerminalUI", "Inspector",
        "DemoTour", "ChafaPictures", "CursesTerminal", "Plots", "PanelExport", "Sessions",
        argumentParser,
      ],
      swiftSettings: swift),
    .executableTarget(
      name: "vocoscope-bench",
      dependencies: [
        "Files", "Statistics", "Tensor", "JSON", "Safetensors", "WeightFormats", "ImageLoading", "Tokenization",
        "HTCVLM", "Trace", "TerminalUI", "Plots", "Experiments", "TestSupport", argumentParser,
      ],
      resources: [.embedInCode("Peers/torch_peer.py"), .embedInCode("Peers/llama_peer.py")],
      swiftSettings: swift),

    .target(
      name: "TestSupport",
      dependencies: [
        "Statistics", "ColorMaps", "Tensor", "JSON", "Safetensors", "WeightFormats", "ImageLoading", "HTCVLM",
        "TerminalUI",
      ],
      path: "Tests/TestSupport",
      swiftSettings: swift),
    // CKernels' loops for AVX-512, on functions in the place of its instructions.
    .target(
      name: "EmulatedKernels", dependencies: ["CKernels"], path: "Tests/EmulatedKernels",
      cSettings: c + [.unsafeFlags(["-Wno-psabi"])]),
    tests("Tensor", ["CKernels", "COneDNN", "EmulatedKernels", "Files", "Statistics"]),
    tests("JSON"),
    tests("Files"),
    tests("Statistics", fixtures: true),
    tests("WeightFormats", ["Files", "JSON", "Safetensors", "Tensor", "Trace", "HTCVLM"], fixtures: true),
    tests("ImageLoading", ["Files", "Statistics", "Tensor"], fixtures: true),
    tests("Tokenization", ["Files", "JSON", "Tensor"], fixtures: true),
    tests("Trace", ["Safetensors", "Tensor"], fixtures: true),
    tests(
      "HTCVLM",
      [
        "Files", "JSON", "Statistics", "Tensor", "Safetensors", "WeightFormats", "ImageLoading", "Tokenization",
        "Trace",
      ],
      fixtures: true),
    tests("Evidence", ["Statistics", "Tensor", "Trace"], fixtures: true),
    tests(
      "Experiments",
      [
        "Tensor", "Safetensors", "WeightFormats", "ImageLoading", "Tokenization", "HTCVLM", "Trace", "Evidence",
        "Statistics", "Evaluation", "JSON", "Reports", "Plots",
      ],
      fixtures: true),
    tests("Evaluation", ["JSON", "Statistics", "Experiments"], fixtures: true),
    tests("TerminalUI", ["ColorMaps"], fixtures: true),
    tests(
      "Inspector",
      [
        "ColorMaps", "Statistics", "Tensor", "TerminalUI", "Trace", "Evidence", "DemoTour", "PanelExport", "Files",
        "WeightFormats",
      ], fixtures: true),
    tests("ChafaPictures", ["ColorMaps", "TerminalUI"]),
    tests("Reports", ["Evidence", "Trace"]),
    tests("Plots", ["ColorMaps", "ImageLoading", "Tensor"]),
    .executableTarget(
      name: "curses-probe", dependencies: ["ColorMaps", "CursesTerminal", "TerminalUI"], path: "Tests/CursesProbe",
      swiftSettings: swift),
    tests("CursesTerminal", ["curses-probe", "ColorMaps", "TerminalUI"]),
    .executableTarget(
      name: "vocoscope-fuzz",
      dependencies: [
        "Files", "Statistics", "Tensor", "JSON", "WeightFormats", "ImageLoading", "Tokenization", "Trace", "HTCVLM",
        "Evidence", "Experiments", "Evaluation", "TerminalUI", "Inspector", argumentParser,
      ],
      path: "Tests/Fuzz",
      exclude: ["Corpus"],
      swiftSettings: swift),
    .testTarget(
      name: "vocoscopeTests",
      dependencies: [
        "TestSupport", "TerminalUI", "Safetensors", "WeightFormats", "Files", "Tensor", "Trace", "HTCVLM", "vocoscope",
        "vocoscope-bench",
      ],
      swiftSettings: swift),
  ],
  cxxLanguageStandard: .cxx17
)

// `.ci/sanitize` names the targets that it runs: with them alone, and what they need, a build takes half as long.
if let names = Context.environment["VOCOSCOPE_TARGETS"] {
  var kept: Set<String> = []
  var next = names.split(separator: ",").map(String.init)
  while let name = next.popLast() {
    guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else { continue }
    next += target.dependencies.compactMap { if case .byNameItem(let name, _) = $0 { name } else { nil } }
  }
  package.targets.removeAll { !kept.contains($0.name) }
  package.products = []
}
