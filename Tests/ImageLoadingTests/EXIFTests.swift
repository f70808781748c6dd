import ImageLoading
import Tensor
import Testing

@Suite("EXIF that lies")
struct EXIFTests {
  /// A picture 17×11 as stored, with `tiff` as its EXIF.
  private func decode(_ tiff: [UInt8], length: Int? = nil) throws -> Picture {
    var bytes = try fixtureBytes("exif1.jpg")
    let old = Int(bytes[4]) << 8 | Int(bytes[5])
    let content = Array("Exif\0\0".utf8) + tiff
    let stated = length ?? content.count + 2
    bytes.replaceSubrange(4..<4 + old, with: [UInt8(stated >> 8), UInt8(stated & 255)] + content)
    return try ImageDecoder.decode(bytes, path: "photo.jpg").image
  }

  /// IFD0 with one entry.
  private func tiff(
    offset: [UInt8] = [8, 0, 0, 0], count: UInt8 = 1, tag: UInt8 = 0x12, type: UInt8 = 3, values: UInt8 = 1,
    value: UInt8
  ) -> [UInt8] {
    Array("II*\0".utf8) + offset + [count, 0, tag, 1, type, 0, values, 0, 0, 0, value, 0, 0, 0] + [0, 0, 0, 0]
  }

  @Test("A true orientation is followed, in the types that Pillow takes for integers")
  func truth() throws {
    for type: UInt8 in [3, 4, 6, 8, 9] { #expect(try decode(tiff(type: type, value: 6)).width == 11) }
    #expect(try decode(tiff(value: 1)).width == 17)
  }

  @Test("Values, types and counts that EXIF does not allow leave the picture as stored")
  func nonsense() throws {
    let stored = try decode(tiff(value: 1))
    for value: UInt8 in [0, 9, 255] { #expect(try decode(tiff(value: value)) == stored) }
    for type: UInt8 in [0, 1, 2, 5, 7, 255] { #expect(try decode(tiff(type: type, value: 6)) == stored) }
    for values: UInt8 in [0, 255] { #expect(try decode(tiff(values: values, value: 6)) == stored) }
    #expect(try decode(tiff(tag: 0x13, value: 6)) == stored)
  }

  @Test("Offsets and counts beyond the segment leave the picture as stored")
  func beyond() throws {
    let stored = try decode(tiff(value: 1))
    let offsets: [[UInt8]] = [
      [9, 0, 0, 0], [255, 255, 255, 255], [255, 255, 255, 127], [25, 0, 0, 0], [0, 0, 0, 0],
    ]
    for offset in offsets { #expect(try decode(tiff(offset: offset, value: 6)) == stored) }
    #expect(try decode(tiff(count: 255, tag: 0x13, value: 6)) == stored)
    let whole = tiff(value: 6)
    for count in 0..<20 { #expect(try decode(Array(whole[..<count])) == stored) }
    #expect(try decode(Array("MM\0*".utf8) + whole.dropFirst(4)) == stored)
    #expect(try decode(Array("II\0*".utf8) + whole.dropFirst(4)) == stored)
  }

  @Test("A segment that states a wrong length is an error or leaves the picture as stored, never a crash")
  func segmentLengths() throws {
    for length in [0, 1, 2, 3, 7, 8, 20, 200, 0xFFFF] {
      do {
        let image = try decode(tiff(value: 6), length: length)
        #expect(image.width == 17 || image.width == 11)
      } catch {
        #expect(error is ImageError)
      }
    }
  }
}
