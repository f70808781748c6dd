import Foundation

// Libraries that choose their kernels when they are loaded must see the right choice before anything else runs.
ProcessSetup.selectComputeKernels()
ProcessSetup.keepFreedMemory()
ProcessSetup.ignoreBrokenPipes()
exit(CommandLineProgram.run())
