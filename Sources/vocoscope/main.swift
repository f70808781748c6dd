import Files
import Foundation
import Sessions

// Libraries that choose their kernels when they are loaded must see the right choice before anything else runs.
StandardStream.reserveClosed()
ProcessSetup.checkLimits()
ProcessSetup.selectComputeKernels()
ProcessSetup.keepFreedMemory()
ProcessSetup.answerSignals()
ProcessSetup.rememberDigests()
ProcessSetup.end(CommandLineProgram.run())
