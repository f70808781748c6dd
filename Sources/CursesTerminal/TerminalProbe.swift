import CNcurses
import Glibc

/// Asks a terminal what it can, without taking its screen over.
package enum TerminalProbe {
  /// What it answers to the inspector's questions within so many milliseconds, with the terminal as it was afterwards;
  /// `nil` where standard input and output are none. Keys pressed meanwhile are lost.
  package static func abilities(environment: [String: String], milliseconds: Int32 = 300) -> TerminalAbilities? {
    guard cncurses_has_terminal() else { return nil }
    var abilities = TerminalAbilities()
    let questions = Array(terminalQueries(environment: environment).utf8)
    var saved = termios()
    guard !questions.isEmpty, tcgetattr(STDIN_FILENO, &saved) == 0 else { return abilities }
    var raw = saved
    cfmakeraw(&raw)
    guard tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0 else { return abilities }
    defer { _ = tcsetattr(STDIN_FILENO, TCSANOW, &saved) }
    guard write(STDOUT_FILENO, questions, questions.count) == questions.count else { return abilities }
    var reader = InputReader(source: nextByte)
    reader.expectsReplies = true
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(Int(milliseconds))
    while reader.expectsReplies && clock.now < end {
      if isReadable(within: 20) { _ = reader.readAll() }
    }
    for reply in reader.replies { abilities.note(reply) }
    return abilities
  }

  /// Replies are ASCII, a character a byte.
  private static func nextByte(_ milliseconds: Int32) -> InputReader.Item {
    var byte: UInt8 = 0
    guard isReadable(within: milliseconds), read(STDIN_FILENO, &byte, 1) == 1 else { return .nothing }
    return .character(UInt32(byte))
  }

  private static func isReadable(within milliseconds: Int32) -> Bool {
    var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, milliseconds) > 0
  }
}
