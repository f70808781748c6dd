import Foundation
package import TerminalUI

/// Runs a real program in a pseudo-terminal: types, resizes, signals, and looks at its screen.
package final class PtyDriver {
  package enum Exit: Sendable, Hashable {
    case code(Int32)
    case signal(Int32)
  }

  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  package private(set) var terminal: VirtualTerminal
  /// Everything the program wrote.
  package private(set) var output: [UInt8] = []
  package let processID: Int32

  private let master: Int32
  private var exit: Exit?
  private var isHungUp = false

  /// The path of an executable of this package, beside the tests' own.
  package static func builtProduct(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var folder = URL(fileURLWithPath: tests).deletingLastPathComponent()
    // The tests may be run by a helper of the toolchain that is given their bundle as an argument.
    let bundle = CommandLine.arguments.first { $0.contains(".xctest") }
    if let bundle { folder = URL(fileURLWithPath: bundle).deletingLastPathComponent() }
    let path = folder.appendingPathComponent(name).path
    guard access(path, X_OK) == 0 else { throw Failure(description: "no executable \(path)") }
    return path
  }

  /// Starts the program as the leader of a session whose terminal is new.
  ///
  /// - Parameter environment: all of it; nothing is inherited.
  package init(
    executable: String, arguments: [String] = [], environment: [String: String], size: Size
  ) throws {
    // posix_openpt and its kin are not visible to Swift under glibc's default features; this is what they do on Linux.
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var unlocked: Int32 = 0
    var number: UInt32 = 0
    let setLock: UInt = 0x4004_5431  // TIOCSPTLCK
    let getNumber: UInt = 0x8004_5430  // TIOCGPTN
    guard master >= 0, ioctl(master, setLock, &unlocked) == 0, ioctl(master, getNumber, &number) == 0 else {
      throw Failure(description: "no pseudo-terminal: \(String(cString: strerror(errno)))")
    }
    terminal = VirtualTerminal(size: size)
    Self.setSize(size, of: master)
    processID = try Self.spawn(executable, arguments, environment, terminal: "/dev/pts/\(number)")
  }

  deinit {
    if exit == nil {
      kill(processID, SIGKILL)
      var status: Int32 = 0
      waitpid(processID, &status, 0)
    }
    if !isHungUp { close(master) }
  }

  /// Takes the terminal away, as closing its window does.
  package func hangUp() {
    isHungUp = true
    close(master)
  }

  /// Types text as it is.
  package func send(_ text: String) {
    var bytes = Array(text.utf8)
    while !bytes.isEmpty {
      let count = write(master, bytes, bytes.count)
      guard count > 0 else { return }
      bytes.removeFirst(count)
    }
  }

  /// Sends a mouse report in SGR form: `button` 0 the left one, 32 dragging, 64 and 65 the wheel.
  package func sendMouse(button: Int, at point: Point, isRelease: Bool = false) {
    send("\u{1B}[<\(button);\(point.x + 1);\(point.y + 1)\(isRelease ? "m" : "M")")
  }

  package func resize(_ size: Size) {
    terminal.resize(size)
    Self.setSize(size, of: master)
  }

  package func signal(_ number: Int32) { kill(processID, number) }

  /// Reads the program's output until `condition` holds; `false` when it does not within `timeout`.
  package func wait(_ timeout: Duration = .seconds(20), until condition: (VirtualTerminal) -> Bool) -> Bool {
    let end = ContinuousClock.now + timeout
    while !condition(terminal) {
      if ContinuousClock.now >= end { return false }
      if !readOutput(milliseconds: 20) && hasExited() {
        while readOutput(milliseconds: 0) {}
        return condition(terminal)
      }
    }
    return true
  }

  /// Reads until the screen shows a text.
  package func wait(_ timeout: Duration = .seconds(20), for text: String) -> Bool {
    wait(timeout) { $0.text.contains(text) }
  }

  /// How the program ended; `nil` when it still runs after `timeout`.
  package func waitForExit(_ timeout: Duration = .seconds(20)) -> Exit? {
    let end = ContinuousClock.now + timeout
    while !hasExited() && ContinuousClock.now < end { _ = readOutput(milliseconds: 10) }
    while readOutput(milliseconds: 0) {}
    return exit
  }

  /// What the program left changed in its terminal; empty when all is as it was.
  package var leftovers: [String] {
    var found: [String] = []
    if terminal.isAlternateScreen { found.append("the alternate screen is shown") }
    if !terminal.isCursorVisible { found.append("the cursor is hidden") }
    if terminal.reportsMouse || terminal.modes.contains(1006) { found.append("the mouse is reported") }
    if terminal.bracketsPaste { found.append("pastes are bracketed") }
    if terminal.isKeypadApplication || terminal.modes.contains(1) { found.append("the keypad sends sequences") }
    var modes = termios()
    if tcgetattr(master, &modes) == 0 {
      if modes.c_lflag & tcflag_t(ECHO) == 0 { found.append("typing is not echoed") }
      if modes.c_lflag & tcflag_t(ICANON) == 0 { found.append("lines are not edited") }
      if modes.c_lflag & tcflag_t(ISIG) == 0 { found.append("Ctrl-C is no signal") }
      if modes.c_oflag & tcflag_t(OPOST) == 0 { found.append("line feeds are not translated") }
    }
    return found
  }

  package var isRestored: Bool { leftovers.isEmpty }

  private func hasExited() -> Bool {
    if exit != nil { return true }
    var status: Int32 = 0
    guard waitpid(processID, &status, WNOHANG) == processID else { return false }
    let number = status & 0x7F
    exit = number == 0 ? .code(status >> 8 & 0xFF) : .signal(number)
    return true
  }

  /// `false` when there was nothing to read.
  private func readOutput(milliseconds: Int32) -> Bool {
    if isHungUp {
      usleep(useconds_t(milliseconds) * 1000)
      return false
    }
    var file = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    guard poll(&file, 1, milliseconds) > 0, file.revents & Int16(POLLIN) != 0 else {
      // With the program gone, poll reports the hang-up at once.
      if file.revents != 0 && milliseconds > 0 { usleep(2000) }
      return false
    }
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = read(master, &bytes, bytes.count)
    guard count > 0 else { return false }
    output += bytes[..<count]
    terminal.feed(bytes[..<count])
    return true
  }

  private static func setSize(_ size: Size, of master: Int32) {
    var window = winsize(
      ws_row: UInt16(clamping: size.height), ws_col: UInt16(clamping: size.width), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &window)
  }

  /// The session is made before the terminal is opened, so that opening makes it the controlling one.
  private static func spawn(
    _ executable: String, _ arguments: [String], _ environment: [String: String], terminal: String
  ) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    posix_spawn_file_actions_adddup2(&actions, 0, 2)
    var all = sigset_t()
    var none = sigset_t()
    sigfillset(&all)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    let flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK) | 0x80  // POSIX_SPAWN_SETSID
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var processID: pid_t = 0
    let error = posix_spawn(&processID, executable, &actions, &attributes, &argv, &envp)
    guard error == 0 else {
      throw Failure(description: "cannot run \(executable): \(String(cString: strerror(error)))")
    }
    return processID
  }
}
