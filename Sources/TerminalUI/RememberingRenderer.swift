import Synchronization

extension PictureRenderer {
  /// The same renderer, which remembers its latest pictures: moving the cursor draws no picture anew.
  ///
  /// A picture is recognised by all its pixels, so what is drawn is the same with and without.
  package func remembering(_ limit: Int = 4) -> PictureRenderer {
    let memory = Memory(limit: limit)
    return PictureRenderer(name: name) { rgb, width, height, cells in
      let request = Memory.Request(rgb: rgb, width: width, height: height, cells: cells)
      if let known = memory[request] { return known }
      let drawn = render(rgb, width, height, cells)
      memory.add(request, drawn)
      return drawn
    }
  }

  private final class Memory: Sendable {
    struct Request: Sendable, Equatable {
      // Compared first to last: what differs most often and costs least comes first.
      let cells: Size
      let width: Int
      let height: Int
      let rgb: [UInt8]

      init(rgb: [UInt8], width: Int, height: Int, cells: Size) {
        self.cells = cells
        self.width = width
        self.height = height
        self.rgb = rgb
      }
    }

    private let limit: Int
    private let entries = Mutex<[(request: Request, cells: [Cell])]>([])

    init(limit: Int) {
      precondition(limit > 0)
      self.limit = limit
    }

    /// The latest comes first: the same array again is then known without a look at its pixels.
    subscript(request: Request) -> [Cell]? {
      entries.withLock { entries in
        guard let found = entries.firstIndex(where: { $0.request == request }) else { return nil }
        if found > 0 { entries.insert(entries.remove(at: found), at: 0) }
        return entries[0].cells
      }
    }

    func add(_ request: Request, _ cells: [Cell]) {
      entries.withLock { entries in
        entries.insert((request, cells), at: 0)
        if entries.count > limit { entries.removeLast() }
      }
    }
  }
}
