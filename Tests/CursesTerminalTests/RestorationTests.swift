import Foundation
import TerminalUI
import TestSupport
import Testing

@Suite("The terminal is given back", .serialized)
struct RestorationTests {
  @Test(
    "However the program ends, the terminal is as it was",
    arguments: [("q", PtyDriver.Exit.code(0)), ("x", .code(3)), ("\u{3}", .signal(SIGINT))])
  func endings(typed: String, expected: PtyDriver.Exit) throws {
    let driver = try startProbe()
    #expect(!driver.isRestored)
    driver.send(typed)
    #expect(driver.waitForExit() == expected)
    #expect(driver.leftovers == [])
  }

  @Test("A trap and a thrown error end in a signal, with the terminal as it was", arguments: ["t", "e"])
  func traps(typed: String) throws {
    let driver = try startProbe()
    driver.send(typed)
    let exit = driver.waitForExit()
    #expect([.signal(SIGILL), .signal(SIGTRAP), .signal(SIGABRT)].contains(exit))
    #expect(driver.leftovers == [])
  }

  @Test(
    "A signal ends the program as it would have, with the terminal as it was",
    arguments: [
      SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,
      SIGPWR, SIGPIPE, SIGXCPU, SIGXFSZ, SIGSYS,
    ])
  func signals(number: Int32) throws {
    let driver = try startProbe(environment: ["COLORTERM": "truecolor"])
    driver.signal(number)
    #expect(driver.waitForExit() == .signal(number))
    #expect(driver.leftovers == [])
  }

  @Test("What was on the screen before is there again")
  func mainScreen() throws {
    let probe = try PtyDriver.builtProduct("curses-probe")
    let driver = try PtyDriver(
      executable: "/bin/sh", arguments: ["-c", "echo before; '\(probe)'; echo after"],
      environment: ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"],
      size: Size(width: 40, height: 10))
    let isShown = driver.wait { $0.text.contains("probe 40") }
    #expect(isShown)
    #expect(!driver.terminal.text.contains("before"))
    driver.send("q")
    #expect(driver.waitForExit() == .code(0))
    #expect(driver.terminal.text.hasPrefix("before\nafter"))
  }

  @Test("A terminal that disappears ends the program")
  func hangUp() throws {
    let driver = try startProbe()
    driver.hangUp()
    #expect(driver.waitForExit() == .signal(SIGHUP))
  }

  @Test("A terminal that disappears ends the program also where hang-ups and requests to end are ignored")
  func hangUpIgnored() throws {
    let probe = try PtyDriver.builtProduct("curses-probe")
    let driver = try PtyDriver(
      executable: "/bin/sh", arguments: ["-c", "trap '' HUP TERM; exec '\(probe)'"],
      environment: ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"],
      size: Size(width: 40, height: 10))
    #expect(driver.wait { $0.text.contains("probe 40") })
    driver.hangUp()
    #expect(driver.waitForExit() == .code(128 + SIGHUP))
  }

  @Test("Ctrl-Z gives the terminal back until the program is continued, then everything is drawn anew")
  func suspension() throws {
    let probe = try PtyDriver.builtProduct("curses-probe")
    let driver = try PtyDriver(
      executable: "/bin/bash", arguments: ["--norc", "--noprofile", "--noediting", "-i"],
      environment: ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "PS1": "> "],
      size: Size(width: 60, height: 16))
    driver.send("'\(probe)'\n")
    var isShown = driver.wait { $0.isAlternateScreen && $0.text.contains("probe 60") }
    #expect(isShown)
    driver.expect("character(\"k\")", after: "k")
    driver.send("\u{1A}")
    let isStopped = driver.wait { !$0.isAlternateScreen && $0.text.contains("Stopped") }
    #expect(isStopped)
    #expect(driver.leftovers == [])
    driver.send("fg\n")
    isShown = driver.wait { $0.isAlternateScreen && $0.text.contains("probe 60") && $0.text.contains("control(\"z\")") }
    #expect(isShown)
    #expect(driver.terminal.reportsMouse && driver.terminal.bracketsPaste)
    driver.expect("character(\"m\")", after: "m")
    driver.send("q")
    // The shell's prompt: what is typed before it may be discarded with the program's terminal modes.
    let isBack = driver.wait {
      !$0.isAlternateScreen && $0.text.split(separator: "\n").last?.trimmingCharacters(in: .whitespaces) == ">"
    }
    #expect(isBack, "\(driver.terminal.text)")
    driver.send("exit\n")
    #expect(driver.waitForExit() == .code(0))
  }

  @Test("A stop from outside is survived too")
  func stopped() throws {
    let driver = try startProbe()
    driver.signal(SIGSTOP)
    driver.resize(Size(width: 70, height: 20))
    driver.signal(SIGCONT)
    let isShown = driver.wait(for: "probe 70×20")
    #expect(isShown)
    driver.expect("character(\"m\")", after: "m")
  }

  @Test("Without a terminal there is one clear sentence and nothing else")
  func noTerminal() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try PtyDriver.builtProduct("curses-probe"))
    let output = Pipe()
    let errors = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    #expect(output.fileHandleForReading.readDataToEndOfFile().isEmpty)
    let message = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(message == "curses-probe: standard input and output must be a terminal\n")
  }

  @Test("A terminal type that nobody knows, or that cannot move its cursor, is named", arguments: ["nonesuch", "dumb"])
  func unusable(term: String) throws {
    let driver = try PtyDriver(
      executable: PtyDriver.builtProduct("curses-probe"), environment: ["TERM": term, "LC_ALL": "C.UTF-8"],
      size: Size(width: 120, height: 10))
    #expect(driver.waitForExit() == .code(1))
    #expect(driver.terminal.text.contains("no terminal description for TERM=\(term) can move the cursor"))
    #expect(driver.leftovers == [])
  }
}
