/// Something that draws itself into a rectangle of a frame, never outside it.
///
/// What it is drawn from is its value: the same widget in the same rectangle gives the same cells.
package protocol Widget<Part> {
  /// What the mouse can point at inside; `Never` where there is nothing to point at.
  associatedtype Part: Sendable & Hashable = Never

  /// Draws itself and tells where its parts stand, the topmost last.
  @discardableResult
  func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Part>]

  /// Applies a key; `false` when it is not for this widget.
  mutating func handle(_ key: Key) -> Bool
}

extension Widget {
  package mutating func handle(_ key: Key) -> Bool { false }
}

/// A part of a drawn widget and where it stands.
package struct Hit<Part: Sendable & Hashable>: Sendable, Hashable {
  package let part: Part
  package let rect: Rect

  package init(_ part: Part, _ rect: Rect) {
    self.part = part
    self.rect = rect
  }
}

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

  /// Notes the parts of a drawn widget, each as what a click there means.
  package mutating func add<Part>(_ hits: [Hit<Part>], as target: (Part) -> Target) {
    for hit in hits { add(hit.rect, target(hit.part)) }
  }

  /// The topmost region at a position.
  package func region(at point: Point) -> Region? { regions.last { $0.rect.contains(point) } }

  package subscript(point: Point) -> Target? { region(at: point)?.target }
}
