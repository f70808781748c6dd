/// The program's version, as `--version` prints it and a trace records it.
let programVersion = "0.1.0"
