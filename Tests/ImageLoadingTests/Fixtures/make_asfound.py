"""Makes asfound.txt: pictures as people's programs leave them, with what Pillow reads in them.

    python make_asfound.py

Orientations that stand in XMP, in profiles and in several places, and PNGs that are damaged or cut off behind their pixels.
A line holds a name, the file in hexadecimal, and the width, height and RGB bytes that Pillow's ImageOps.exif_transpose makes
of it, or `refused`. Needs Pillow.
"""
import io, pathlib, struct, warnings, zlib
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
SIGNATURE = b"\x89PNG\r\n\x1a\n"
WIDTH, HEIGHT = 7, 4
PIXELS = bytes((i * 37 + 11) % 256 for i in range(3 * WIDTH * HEIGHT))
ROWS = b"".join(b"\0" + PIXELS[3 * WIDTH * y : 3 * WIDTH * (y + 1)] for y in range(HEIGHT))
HEADER = (b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
DATA = (b"IDAT", zlib.compress(ROWS))
END = (b"IEND", b"")


def chunk(kind, data, damaged=False):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ damaged)


def png(*chunks, damaged=()):
    return SIGNATURE + b"".join(chunk(kind, data, kind in damaged) for kind, data in chunks)


def tiff(*entries, order="<"):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    body = mark + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack(order + "HHI", tag, kind, count) + value
    return body + bytes(4)


def turned(value, order="<"):
    return tiff((0x112, 3, 1, struct.pack(order + "HH", value, 0)), order=order)


def xmp(value, form='tiff:Orientation="%s"'):
    return ('<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description ' + form % value
            + " /></rdf:RDF></x:xmpmeta>").encode()


def itxt(text, name=b"XML:com.adobe.xmp", packed=False):
    return (b"iTXt", name + b"\0" + bytes([packed, 0]) + b"\0\0" + (zlib.compress(text) if packed else text))


def profile(data):
    digits = data.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    return f"\nexif\n{len(data):8}\n{lines}\n".encode()


def ztxt(name, text):
    return (b"zTXt", name + b"\0\0" + zlib.compress(text))


def jpeg(*segments):
    out = io.BytesIO()
    Image.frombytes("RGB", (WIDTH, HEIGHT), PIXELS).save(out, "JPEG", quality=95)
    data = out.getvalue()
    return data[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s for s in segments) + data[2:]


ADOBE = b"http://ns.adobe.com/xap/1.0/\0"
EXIF = b"Exif\0\0"


def orientations():
    for value in range(1, 9):
        yield f"png-itxt-{value}", png(HEADER, itxt(xmp(value)), DATA, END)
        yield f"jpeg-xmp-{value}", jpeg(ADOBE + xmp(value))
    yield "png-itxt-packed", png(HEADER, itxt(xmp(6), packed=True), DATA, END)
    yield "png-itxt-behind-pixels", png(HEADER, DATA, itxt(xmp(6)), END)
    yield "png-itxt-element", png(HEADER, itxt(xmp(8, "><tiff:Orientation>%s</tiff:Orientation")), DATA, END)
    yield "png-itxt-not-zlib", png(HEADER, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + xmp(6)), DATA, END)
    yield "png-itxt-twice", png(HEADER, itxt(xmp(6)), itxt(xmp(3)), DATA, END)
    yield "png-itxt-nine", png(HEADER, itxt(xmp(9)), DATA, END)
    yield "png-itxt-other-prefix", png(HEADER, itxt(xmp(6, 'exif:Orientation="%s"')), DATA, END)
    yield "png-itxt-spaced", png(HEADER, itxt(xmp(6, 'tiff:Orientation = "%s"')), DATA, END)
    yield "png-text-xmp", png(HEADER, (b"tEXt", b"XML:com.adobe.xmp\0" + xmp(6)), DATA, END)
    yield "png-ztxt-xmp", png(HEADER, ztxt(b"XML:com.adobe.xmp", xmp(6)), DATA, END)
    yield "png-exif", png(HEADER, (b"eXIf", turned(6)), DATA, END)
    yield "png-exif-big", png(HEADER, (b"eXIf", turned(8, ">")), DATA, END)
    yield "png-exif-behind-pixels", png(HEADER, DATA, (b"eXIf", turned(6)), END)
    yield "png-exif-without-orientation", png(HEADER, (b"eXIf", tiff((0x10F, 2, 2, b"a\0\0\0"))), itxt(xmp(6)), DATA, END)
    yield "png-exif-wins", png(HEADER, (b"eXIf", turned(3)), itxt(xmp(6)), DATA, END)
    yield "png-exif-zero-wins", png(HEADER, (b"eXIf", turned(0)), itxt(xmp(6)), DATA, END)
    yield "png-profile", png(HEADER, ztxt(b"Raw profile type exif", profile(EXIF + turned(6))), DATA, END)
    yield "png-profile-plain", png(HEADER, (b"tEXt", b"Raw profile type exif\0" + profile(EXIF + turned(8))), DATA, END)
    yield "png-profile-itxt", png(HEADER, itxt(profile(turned(5)), b"Raw profile type exif"), DATA, END)
    yield "png-profile-twice-marked", png(HEADER, ztxt(b"Raw profile type exif", profile(EXIF + EXIF + turned(6))), DATA, END)
    yield "png-profile-beside-exif", png(HEADER, (b"eXIf", turned(3)), ztxt(b"Raw profile type exif", profile(turned(6))), DATA, END)
    yield "png-profile-beside-xmp", png(HEADER, ztxt(b"Raw profile type exif", profile(turned(6))), itxt(xmp(3)), DATA, END)
    yield "jpeg-xmp-element", jpeg(ADOBE + xmp(6, "><tiff:Orientation>%s</tiff:Orientation"))
    yield "jpeg-exif-and-xmp", jpeg(EXIF + turned(3), ADOBE + xmp(6))
    yield "jpeg-xmp-and-exif", jpeg(ADOBE + xmp(6), EXIF + turned(3))
    yield "jpeg-exif-in-two", jpeg(EXIF + turned(6)[:15], EXIF + turned(6)[15:])
    yield "jpeg-xmp-twice", jpeg(ADOBE + xmp(6), ADOBE + xmp(8))
    yield "jpeg-exif-twice-marked", jpeg(EXIF + EXIF + turned(6))
    for name, kind, count, value in (
            ("byte", 1, 1, b"\6\0\0\0"), ("ascii", 2, 2, b"6\0\0\0"), ("long", 4, 1, b"\6\0\0\0"), ("signed", 8, 1, b"\6\0\0\0"),
            ("undefined", 7, 1, b"\6\0\0\0"), ("two-values", 3, 2, b"\6\0\3\0")):
        yield f"png-exif-{name}", png(HEADER, (b"eXIf", tiff((0x112, kind, count, value))), DATA, END)


def damages():
    packed = DATA[1]
    yield "png-no-end", png(HEADER, DATA)
    yield "png-half-end", png(HEADER, DATA, END)[:-5]
    yield "png-bad-data-checksum", png(HEADER, DATA, END, damaged=(b"IDAT",))
    yield "png-bad-end-checksum", png(HEADER, DATA, END, damaged=(b"IEND",))
    yield "png-cut-in-checksum", png(HEADER, DATA)[:-2]
    yield "png-cut-before-checksum", png(HEADER, DATA)[:-4]
    yield "png-cut-in-adler", png(HEADER, DATA)[:-6]
    yield "png-no-adler", png(HEADER, (b"IDAT", packed[:-4]), END)
    yield "png-garbage-behind-end", png(HEADER, DATA, END) + b"garbage" * 3
    yield "png-garbage-behind-pixels", png(HEADER, DATA) + bytes([0, 0, 0, 0, 1, 2, 3, 4])
    yield "png-text-cut", png(HEADER, DATA, (b"tEXt", b"Comment\0" + b"a" * 50))[:-30]
    yield "png-data-behind-rows", png(HEADER, (b"IDAT", packed + b"abc"), END)
    yield "png-rows-too-many", png(HEADER, (b"IDAT", zlib.compress(ROWS + bytes(500))), END)
    yield "png-unknown-critical", png(HEADER, (b"ABCD", b"ab"), DATA, END)
    yield "png-window-too-small", png(HEADER, (b"IDAT", b"\x08\x1d" + packed[2:]), END)
    yield "png-bytewise", png(HEADER, *[(b"IDAT", packed[i : i + 1]) for i in range(len(packed))], END)
    yield "png-empty-data", png(HEADER, (b"IDAT", b""), DATA, (b"IDAT", b""), END)
    yield "png-length-too-large", png(HEADER) + struct.pack(">I", len(packed) + 5000) + b"IDAT" + packed + chunk(*END)
    yield "png-bad-header-checksum", png(HEADER, DATA, END, damaged=(b"IHDR",))
    yield "png-cut-in-pixels", png(HEADER, DATA)[:-20]


def read(data):
    try:
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    except Exception:
        return "refused"
    return f"{picture.width} {picture.height} {picture.tobytes().hex()}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with open(HERE / "asfound.txt", "w") as f:
        f.write("# Made by make_asfound.py: name file width height pixels, or refused\n")
        for name, data in [*orientations(), *damages()]:
            f.write(f"{name} {data.hex()} {read(data)}\n")
