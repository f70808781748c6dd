import Files
import Foundation
import Statistics
import Tensor

/// What must be right before the first computation.
package enum ProcessSetup {
  /// Starts the program again, once, with the OpenBLAS kernels that fit this CPU.
  ///
  /// OpenBLAS chooses its kernels while it is loaded and older releases mistake newer CPUs for a "Prescott", which
  /// runs at a quarter of the speed. It reads `OPENBLAS_CORETYPE` at that moment only, so nothing but a fresh start of
  /// the same program can correct it. A value that the user has set is left alone.
  package static func selectComputeKernels() {
    guard let core = ComputeBackend.coreOverrideNeeded() else { return }
    setenv("OPENBLAS_CORETYPE", core, 1)
    // The arguments as they are: Swift's own have other bytes where they are not UTF-8.
    // Returns only if it failed; the run then goes on with the slower kernels, which `check` reports.
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }

  /// Ends the process with a sentence where too few files can be opened, for Dispatch, which the model's run starts on, would trap;
  /// and where the stack is too small, for it would end with a fault.
  package static func checkLimits() {
    if !StandardStream.canOpen(smallestRunsFiles) {
      refuse("open files (ulimit -n) does not leave the \(smallestRunsFiles)")
    }
    var stack = rlimit()
    if getrlimit(__rlimit_resource_t(UInt32(RLIMIT_STACK.rawValue)), &stack) == 0, stack.rlim_cur < smallestStack {
      refuse("the stack (ulimit -s) does not leave the \(smallestStack >> 10) KiB")
    }
  }

  private static func refuse(_ limit: String) -> Never {
    try? StandardStream.error.write("vocoscope: the limit of \(limit) that a run takes at least\n")
    _exit(1)
  }

  /// A checkpoint's files, Dispatch's own two, and one to write.
  private static let smallestRunsFiles = 8

  /// Of the main thread, and of the C library's threads, which get as much.
  private static let smallestStack: UInt = 256 << 10

  /// Tensors come and go by the hundred megabytes.
  package static func keepFreedMemory() { ComputeBackend.keepFreedMemory() }

  /// Gives the system back what was kept, where the C library can: glibc, every whole page that nothing lies on.
  static func releaseFreedMemory() {
    typealias Trim = @convention(c) (_ keeping: Int) -> Int32
    guard let trim = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(trim, to: Trim.self)(0)
  }

  /// Ends the process with a sentence where the address space that is left would not do for a single product of matrices.
  package static func checkAddressSpace() {
    ComputeBackend.setThreads(ComputeBackend.processors)
    let needed = ComputeBackend.addressSpaceOfThread + smallestRun
    guard let left = ComputeBackend.availableAddressSpace else { return }
    guard left < needed else { return ComputeBackend.reserveAddressSpace() }
    try? StandardStream.error.write(
      "vocoscope: the limit of address space (ulimit -v) leaves \(Format.mebibytes(left)), and a run takes at least "
        + "\(Format.mebibytes(needed))\n")
    // OpenBLAS's threads, for which there was no room, would be waited for.
    _exit(1)
  }

  /// Room for the bundled checkpoint and its intermediates.
  private static let smallestRun = 160 << 20

  /// A reader that goes away (`vocoscope report … | head`) and a file at its size limit end what is written with an error
  /// that can be told, not the process with a signal.
  package static func answerSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    MappedFile.watch()
  }

  /// Ends the process without the exit handlers of the libraries.
  ///
  /// A run that was left by `q`, or the digest of the weights, may still be computed on another thread: OpenBLAS and
  /// oneDNN would free what it works with, and the process would end with a fault instead of its exit code.
  package static func end(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  /// Large files are hashed once for each of their states, not once a run.
  package static func rememberDigests() {
    let cache = UserConfiguration.cacheDirectory(ProcessInfo.processInfo.environment)
    ContentDigest.remember(in: cache.map { "\($0)/sha256" })
  }
}
