import Synchronization

/// A value made on first use and kept: opening a checkpoint converts no weight.
final class Lazy<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let make: @Sendable () throws -> Value

  init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

  func get() throws -> Value {
    try value.withLock { value in
      if let made = value { return made }
      let made = try make()
      value = made
      return made
    }
  }
}
