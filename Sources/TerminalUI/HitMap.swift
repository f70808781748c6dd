/// What the mouse points at: regions noted while a frame is drawn, each with what a click there means.
package struct HitMap<Target: Sendable & Hashable>: Sendable, Hashable {
  package struct Region: Sendable, Hashable {
    package let rect: Rect
    package let target: Target
  }

  package private(set) var regions: [Region] = []

  package init() {}

  /// Notes a region; it covers those noted before it.
  package mutating func add(_ rect: Rect, _ target: Target) {
    if !rect.isEmpty { regions.append(Region(rect: rect, target: target)) }
  }

  /// The topmost region at a position.
  package func region(at point: Point) -> Region? { regions.last { $0.rect.contains(point) } }

  package subscript(point: Point) -> Target? { region(at: point)?.target }
}
