import Inspector
import TerminalUI
import Testing

@Suite("Key map")
struct KeyMapTests {
  @Test("The design's keys do what it says")
  func standard() {
    let expected: [(Key, Command)] = [
      (.character("?"), .help), (.character(":"), .palette), (.character("/"), .find), (.tab, .nextPanel),
      (.character("1"), .imagePanel), (.character("7"), .checkpointPanel), (.character("h"), .left), (.up, .up),
      (.character("g"), .first), (.character("G"), .last), (.pageUp, .pageUp), (.character("["), .previousLayer),
      (.character("]"), .nextLayer), (.character("{"), .previousHead), (.character("}"), .nextHead),
      (.character("a"), .aggregation), (.character("m"), .metric), (.character("s"), .scale),
      (.character("i"), .sinks), (.character("o"), .overlay), (.character("x"), .knockOut),
      (.character("X"), .clear), (.character("r"), .matchedRandom), (.character(" "), .pin),
      (.character("v"), .range), (.character("p"), .prompt), (.character("e"), .export), (.character("t"), .theme),
      (.character("V"), .display), (.character("Q"), .inspected),
      (.character("w"), .workspace), (.character("S"), .swapAnchors), (.character("n"), .nextPicture),
      (.character("N"), .previousPicture),
      (.character("M"), .mouse), (.character("u"), .undo), (.character("U"), .redo), (.character("y"), .copy),
      (.control("l"), .redraw), (.control("z"), .suspend), (.character("q"), .quit), (.character("+"), .zoomIn),
      (.character("_"), .zoomOut), (.escape, .cancel),
    ]
    for (key, command) in expected { #expect(KeyMap.standard[key: key] == command, "\(key.name)") }
  }

  @Test("No key is given to two commands")
  func unique() {
    let keys = Command.allCases.flatMap(\.defaultKeys)
    #expect(Set(keys).count == keys.count)
  }

  @Test("A configuration gives a command other keys and takes them from their owner")
  func override() throws {
    let map = try KeyMap(json: #"{"keys": {"quit": ["ctrl-x", "m"], "help": "f1", "pin": []}}"#, file: "config.json")
    #expect(map[key: .control("x")] == .quit)
    #expect(map[key: .character("m")] == .quit)
    #expect(map.keys(of: .metric).isEmpty)
    #expect(map[key: .character("q")] == nil)
    #expect(map[key: .function(1)] == .help)
    #expect(map[key: .character(" ")] == nil)
    #expect(map[key: .character("x")] == .knockOut)
  }

  @Test("A command that a configuration left without a key is named when the program starts")
  func keyless() throws {
    let taken = try KeyMap(json: #"{"keys": {"overlay": "x"}}"#, file: "config.json")
    #expect(taken.keyless == [.knockOut])
    let state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 80, height: 24), keyMap: taken)
    #expect(state.notice == "the configuration leaves no key for cut; : finds commands by name")
    let moved = try KeyMap(json: #"{"keys": {"overlay": "x", "knockOut": "o"}}"#, file: "config.json")
    #expect(moved.keyless.isEmpty && KeyMap.standard.keyless.isEmpty)
  }

  @Test("A configuration without keys changes nothing")
  func empty() throws {
    #expect(try KeyMap(json: "{}", file: "config.json") == .standard)
  }

  @Test(
    "Errors name the file, the field and the problem",
    arguments: [
      (#"{"keys": {"fly": "f"}}"#, "config.json: keys.fly: there is no such command."),
      (#"{"keys": {"quit": "hyper-q"}}"#, "config.json: keys.quit: “hyper-q” is no key"),
      (#"{"keys": {"help": "z", "quit": "z"}}"#, "config.json: keys.quit: “z” is already given to help."),
      (#"{"keys": {"quit": 3}}"#, "config.json: keys.quit: expected"),
      (#"{"keys": []}"#, "config.json: keys: expected"),
      ("nonsense", "config.json: the text: is not JSON."),
    ])
  func errors(json: String, message: String) throws {
    let error = try #require(throws: KeyMapError.self) { try KeyMap(json: json, file: "config.json") }
    #expect(error.description.hasPrefix(message), "\(error)")
  }

  @Test("Every key's name reads back as the key")
  func names() {
    for key in Command.allCases.flatMap(\.defaultKeys) { #expect(Key(name: key.name) == key) }
  }

  @Test("The table holds every command once, under one of the tasks")
  func table() {
    #expect(
      CommandTable.all.map(\.command).sorted { $0.rawValue < $1.rawValue }
        == Command.allCases.sorted { $0.rawValue < $1.rawValue })
    #expect(Set(CommandTable.all.map(\.task)) == Set(CommandTask.allCases))
  }

  @Test("Every command has words for the palette")
  func words() {
    #expect(Set(Command.allCases.map(\.title)).count == Command.allCases.count)
    for command in Command.allCases { #expect(command.summary.hasSuffix("."), "\(command)") }
  }
}
