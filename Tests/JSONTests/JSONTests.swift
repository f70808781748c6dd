import JSON
import Testing

@Suite("JSON") struct JSONTests {
  @Test("Every kind of value is read, integers exactly and members in order")
  func values() throws {
    let text = #" {"b": [1, -2.5e2, 9007199254740993, true, false, null, {}], "a": "é\u00e9\n\"\\\/😀\ud83d\ude00"} "#
    let value = try JSONValue(parsing: Array(text.utf8))
    let members = [
      JSONMember(
        "b",
        .array([
          .integer(1), .number(-250), .integer(9_007_199_254_740_993), .bool(true), .bool(false), .null, .object([]),
        ])),
      JSONMember("a", .string("éé\n\"\\/😀😀")),
    ]
    #expect(value == .object(members))
    #expect(value["a"] == .string("éé\n\"\\/😀😀") && value["c"] == nil)
  }

  @Test("An object keeps the order of its keys and the line where it opens, which equality ignores")
  func lines() throws {
    let text = "{\"z\": [1, 1e3],\n \"a\": \n{\"k\": \"v\"}}"
    guard case .object(let object) = try JSONValue(parsing: Array(text.utf8)), case .object(let inner)? = object["a"]
    else {
      Issue.record("not an object")
      return
    }
    #expect(object.members.map(\.key) == ["z", "a"])
    #expect((object.line, inner.line) == (1, 3))
    #expect(inner == JSONObject(members: [JSONMember("k", .string("v"))], line: 7))
    let later = try Array("\n{}".utf8).withUnsafeBufferPointer { try JSONValue(parsing: $0, line: 40) }
    guard case .object(let empty) = later else { return }
    #expect(empty.line == 41)
  }

  @Test("A fault names its line and byte")
  func place() {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array("{\n\"a\": 1,\n\"a\": 2}".utf8)) }
    #expect(error?.offset == 10 && error?.line == 3)
    #expect(error?.description == "the key \"a\" occurs twice at byte 10")
  }

  @Test("A key that occurs twice is found in small and in large objects", arguments: [2, 15, 16, 17, 18, 400])
  func duplicates(count: Int) throws {
    func object(_ keys: [Int]) -> [UInt8] { Array("{\(keys.map { "\"\($0)\":0" }.joined(separator: ","))}".utf8) }
    let keys = Array(0..<count)
    guard case .object(let read) = try JSONValue(parsing: object(keys)) else { return }
    #expect(read.members.count == count)
    for twice in [0, count / 2, count - 1] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: object(keys + [twice])) }
    }
  }

  @Test("A half of a surrogate pair is refused, or replaced where that is asked for")
  func surrogates() throws {
    let text = Array(#""\ud800\u0041\udc00\ud83d\ude00""#.utf8)
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    let replaced = try text.withUnsafeBufferPointer { try JSONValue(parsing: $0, loneSurrogates: .replaced) }
    #expect(replaced == .string("\u{FFFD}A\u{FFFD}😀"))
  }

  @Test("What is written reads back equal, on one line and as a document")
  func roundTrip() throws {
    let value = JSONValue.object([
      JSONMember("text\u{1}\u{1b}\"", .string("\t\r\n\\ é 😀 \u{7f}")),
      JSONMember("numbers", .array([.integer(.min), .integer(.max), .number(1e-300), .number(-0.1)])),
      JSONMember("rest", .array([.null, .bool(true), .object([]), .array([])])),
    ])
    #expect(try JSONValue(parsing: Array(value.line.utf8)) == value)
    #expect(!value.line.contains("\n"))
    let document = value.document
    #expect(document.hasPrefix("{\n  ") && document.hasSuffix("\n}\n"))
    #expect(try JSONValue(parsing: Array(document.utf8)) == value)
    #expect(JSONValue.array([.number(.nan), .optional(Double.infinity), .optional(0.5)]).line == "[null,null,0.5]")
  }

  @Test(
    "What RFC 8259 forbids is refused with its place",
    arguments: [
      ("", 0), ("{", 1), ("[1,]", 3), ("[1 2]", 3), (#"{"a":1,}"#, 7), (#"{"a" 1}"#, 5), ("{a:1}", 1), ("01", 1),
      ("-", 1),
      ("1.", 2), (".5", 0), ("1e", 2), ("+1", 0), ("NaN", 0), ("Infinity", 0), ("nul", 0), ("[1]x", 3), (#""abc"#, 4),
      ("\"\u{1}\"", 1), (#""\x""#, 3), (#""\u12g4""#, 3), (#""\ud800""#, 7), (#""\ud800\u0041""#, 13),
      (#"{"a":1,"a":2}"#, 7), ("1e999", 0), ("[", 1), ("'a'", 0),
    ])
  func refused(text: String, offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    #expect(error?.offset == offset, "\(text): \(error.map(String.init(describing:)) ?? "")")
  }

  @Test("Bytes that are not UTF-8 are refused")
  func encoding() {
    for bytes: [UInt8] in [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xEF, 0xBB, 0xBF],
    ] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
    }
  }

  @Test("Nesting that would exhaust the stack is refused, whatever opens it")
  func depth() throws {
    for open in ["[", "{\"a\":"] {
      let text = String(repeating: open, count: 100_000)
      let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
      #expect(error?.problem == "more than 64 levels")
    }
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    _ = try JSONValue(parsing: Array(deepest.utf8))
  }

  @Test("Keys and strings are the same only byte for byte", arguments: [2, 40])
  func canonicalEquivalence(others: Int) throws {
    let filler = (0..<others).map { "\"\($0)\":0" }.joined(separator: ",")
    let value = try JSONValue(parsing: Array("{\(filler),\"caf\u{e9}\":1,\"cafe\u{301}\":2}".utf8))
    #expect(value["caf\u{e9}"] == .integer(1) && value["cafe\u{301}"] == .integer(2))
    // The Kelvin sign is canonically a K, the Greek question mark a semicolon.
    #expect(try JSONValue(parsing: Array("{\"\u{212A}\":1}".utf8))["K"] == nil)
    #expect(JSONValue.string("\u{37E}") != .string(";"))
    #expect(Set([ExactText("\u{e9}"), ExactText("e\u{301}"), ExactText("\u{e9}")]).count == 2)
  }

  @Test("A byte order mark is passed over at the beginning of a file and nowhere else, and UTF-16 is called what it is")
  func byteOrderMarks() throws {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    #expect(try JSONValue(parsing: mark + Array("[1]".utf8)) == .array([.integer(1)]))
    #expect(throws: JSONError.self) { try JSONValue(parsing: mark + mark + Array("1".utf8)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: Array("[".utf8) + mark + Array("1]".utf8)) }
    let second = (mark + Array("1".utf8)).withUnsafeBufferPointer { text in
      #expect(throws: JSONError.self) { try JSONValue(parsing: text, line: 2) }
    }
    #expect(second != nil)
    let wide = #expect(throws: JSONError.self) { try JSONValue(parsing: [0xFF, 0xFE, 0x7B, 0, 0x7D, 0]) }
    #expect(wide?.problem == "the text is UTF-16, not UTF-8")
  }

  @Test("What is made of a text stays in proportion to its size")
  func dense() throws {
    let many = Array(("[" + String(repeating: "0,", count: 1_400_000) + "0]").utf8)
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: many) }
    #expect(error?.problem == "more than 750000 values")
    let empty = Array(("[" + String(repeating: "[],", count: 2_000_000) + "0]").utf8)
    #expect(throws: JSONError.self) { try JSONValue(parsing: empty) }
    // Some hundred thousand of the shortest are not yet too much, and longer ones never are.
    #expect(
      try JSONValue(parsing: Array(("[" + String(repeating: "0,", count: 400_000) + "0]").utf8)).summary
        == "a list of 400001")
    let long = Array(("[" + String(repeating: "1.2345678,", count: 1_300_000) + "0]").utf8)
    #expect(try JSONValue(parsing: long).summary == "a list of 1300001")
  }

  @Test("Integers at the ends of 64 bits are exact, and one beyond is the nearest double")
  func integers() throws {
    #expect(
      try JSONValue(parsing: Array("[9223372036854775807, -9223372036854775808, 9223372036854775808]".utf8))
        == .array([.integer(.max), .integer(.min), .number(9_223_372_036_854_775_808)]))
    #expect(try JSONValue(parsing: Array("1000000000000000019884624838656".utf8)) == .number(1e30))
  }
}
