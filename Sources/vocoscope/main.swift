import Files
import Foundation

// Libraries that choose their kernels when they are loaded must see the right choice before anything else runs.
StandardStream.reserveClosed()
ProcessSetup.checkDescriptors()
ProcessSetup.selectComputeKernels()
ProcessSetup.keepFreedMemory()
ProcessSetup.answerSignals()
ProcessSetup.rememberDigests()
exit(CommandLineProgram.run())
