import Foundation
import TerminalUI

/// Pictures by kitty's graphics protocol: sent once, then placed, cut and taken away by number.
///
/// Source: "Terminal graphics protocol", sw.kovidgoyal.net/kitty/graphics-protocol.
struct KittyScreen: PixelScreen {
  private struct Image {
    let id: Int
    let region: PictureRegion
    /// Pixels of one cell in what was sent.
    let unit: (width: Int, height: Int)
  }

  private struct Placement: Equatable {
    let id: Int
    let rect: Rect
    let origin: Point
  }

  /// Pictures that stay with the terminal after they are gone from the screen: turning an overlay off sends none anew.
  private static let kept = 6

  private let cell: (width: Int, height: Int)
  /// The latest last.
  private var images: [Image] = []
  private var placed: [Placement] = []
  private var lastID = 0

  init(cell: (width: Int, height: Int)) { self.cell = cell }

  mutating func update(to pictures: [ShownPicture], written: [FrameRun]) -> [UInt8] {
    var bytes: [UInt8] = []
    let wanted = pictures.flatMap { picture -> [Placement] in
      guard !picture.rects.isEmpty else { return [] }
      let image = image(picture.region, &bytes)
      let origin = Point(x: picture.region.rect.x, y: picture.region.rect.y)
      return picture.rects.map { Placement(id: image.id, rect: $0, origin: origin) }
    }
    if wanted != placed {
      // A picture's placements go together: they have no numbers of their own.
      let changed = Set((wanted + placed).map(\.id)).filter { id in
        wanted.filter { $0.id == id } != placed.filter { $0.id == id }
      }
      for id in changed.sorted() where placed.contains(where: { $0.id == id }) { bytes += command("a=d,d=i,i=\(id)") }
      for placement in wanted where changed.contains(placement.id) { bytes += place(placement) }
      placed = wanted
    }
    bytes += dropOldest()
    return bytes
  }

  mutating func forget() -> [UInt8] {
    placed = []
    return images.isEmpty ? [] : command("a=d,d=a")
  }

  /// The picture's number, sent now if the terminal does not hold it.
  private mutating func image(_ region: PictureRegion, _ bytes: inout [UInt8]) -> Image {
    if let known = images.firstIndex(where: { $0.region.hasSameContent(as: region) }) {
      images.append(images.remove(at: known))
      return images[images.count - 1]
    }
    // As fine as the picture, at most as the screen, and whole pixels a cell, so that it can be cut between cells.
    let unit = (
      width: min(cell.width, max(1, (region.width + region.rect.width - 1) / region.rect.width)),
      height: min(cell.height, max(1, (region.height + region.rect.height - 1) / region.rect.height))
    )
    lastID += 1
    let image = Image(id: lastID, region: region, unit: unit)
    images.append(image)
    let (width, height) = (region.rect.width * unit.width, region.rect.height * unit.height)
    let pixels = boxFiltered(
      region.pixels, width: region.width, height: region.height, toWidth: width, toHeight: height)
    bytes += transmission(pixels, "a=t,t=d,f=24,i=\(image.id),s=\(width),v=\(height)")
    return image
  }

  private func place(_ placement: Placement) -> [UInt8] {
    guard let unit = images.first(where: { $0.id == placement.id })?.unit else { return [] }
    let rect = placement.rect
    let left = (rect.x - placement.origin.x) * unit.width
    let top = (rect.y - placement.origin.y) * unit.height
    let source = "x=\(left),y=\(top),w=\(rect.width * unit.width),h=\(rect.height * unit.height)"
    return moveCursor(x: rect.x, y: rect.y)
      + command("a=p,i=\(placement.id),\(source),c=\(rect.width),r=\(rect.height),C=1")
  }

  private mutating func dropOldest() -> [UInt8] {
    var bytes: [UInt8] = []
    while images.count > Self.kept, !placed.contains(where: { $0.id == images[0].id }) {
      bytes += command("a=d,d=I,i=\(images.removeFirst().id)")
    }
    return bytes
  }

  /// A command without payload; `q=2` asks for no answer.
  private func command(_ keys: String) -> [UInt8] { Array("\u{1B}_G\(keys),q=2\u{1B}\\".utf8) }

  /// Base 64 in chunks of 4,096 bytes, as the protocol asks.
  private func transmission(_ pixels: [UInt8], _ keys: String) -> [UInt8] {
    let payload = [UInt8](Data(pixels).base64EncodedData())
    var bytes: [UInt8] = []
    bytes.reserveCapacity(payload.count + payload.count / 256)
    for start in stride(from: 0, to: payload.count, by: 4096) {
      let end = min(start + 4096, payload.count)
      let more = end < payload.count ? 1 : 0
      bytes += Array("\u{1B}_G\(start == 0 ? keys + ",q=2," : "")m=\(more);".utf8)
      bytes += payload[start..<end]
      bytes += Array("\u{1B}\\".utf8)
    }
    return bytes
  }
}
