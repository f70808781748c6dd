"""Makes the pictures and expected values of this folder, with Pillow 12.0.0 as the oracle.

    python make_fixtures.py [PARITY]

PARITY is the folder of the parity cases; without it their recorded lines are kept. Writes decoded.txt (name, width,
height, RGB bytes in hexadecimal), resized.txt and prepared.txt (see their first lines). Needs Pillow and NumPy, and
safetensors for PARITY. Pillow 13 will not do: it resizes some shapes vertically first, whose rounding differs from
that of the releases before it, with which CLIP and LLaVA prepared their pictures.
"""
import hashlib, io, pathlib, struct, sys, zlib
import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def noise(count, seed):
    """The bytes of a linear congruential generator, which the tests have too."""
    out, state = bytearray(count), seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return bytes(out)


def picture(width, height):
    """A smooth picture with an edge and some noise."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = [x / width * 255, y / height * 255, 128 + 100 * np.sin(x / 3) * np.cos(y / 4)]
    image = np.stack(planes, -1)
    image[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 120)
    image += np.frombuffer(noise(image.size, 7), np.uint8).reshape(image.shape) / 16 - 8
    return np.clip(image, 0, 255).astype(np.uint8)


# PNG, by hand: Pillow writes neither interlaced files nor every depth.

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """samples [h, w, channels] -> filtered rows, alternating through the filters None, Sub and Up."""
    rows, previous, stride = b"", None, max(1, samples.shape[2] * depth // 8)
    for y, row in enumerate(samples.reshape(samples.shape[0], -1)):
        if depth == 16:
            data = row.astype(">u2").tobytes()
        elif depth == 8:
            data = row.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in row)
            bits += "0" * (-len(bits) % 8)
            data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        previous = previous or bytes(len(data))
        kind = y % 3
        shifted = bytes(stride) + data[:-stride] if kind == 1 else previous
        filtered = data if kind == 0 else bytes((a - b) % 256 for a, b in zip(data, shifted))
        rows, previous = rows + bytes([kind]) + filtered, data
    return rows


def png(samples, color_type, depth, interlaced=False, extra=()):
    height, width = samples.shape[:2]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    if not interlaced:
        passes = [(0, 0, 1, 1)]
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
    data = b"".join(packed_rows(p, depth) for p in parts if p.size)
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    body = b"".join(chunk(k, v) for k, v in extra)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def levels(height, width, channels, depth):
    raw = noise(2 * height * width * channels, depth + channels)
    return np.frombuffer(raw, ">u2").reshape(height, width, channels) >> (16 - depth)


def png_files():
    H, W = 9, 13
    palette = noise(3 * 256, 3)
    for depth in (1, 2, 4, 8, 16):
        for interlaced in (False, True):
            tag = f"{depth}{'-interlaced' if interlaced else ''}"
            grey = levels(H, W, 1, depth)
            yield f"grey{tag}.png", png(grey, 0, depth, interlaced)
            if depth <= 8:
                colors = palette[: 3 * 2**depth]
                yield f"palette{tag}.png", png(grey, 3, depth, interlaced, [(b"PLTE", colors)])
            if depth >= 8:
                for name, kind, channels in (("rgb", 2, 3), ("greyalpha", 4, 2), ("rgba", 6, 4)):
                    yield f"{name}{tag}.png", png(levels(H, W, channels, depth), kind, depth, interlaced)
    grey = levels(H, W, 1, 4)
    yield "grey4-trns.png", png(grey, 0, 4, extra=[(b"tRNS", b"\0\3")])
    yield "rgb8-trns.png", png(levels(H, W, 3, 8), 2, 8, extra=[(b"tRNS", b"\0\1\0\2\0\3")])
    yield "palette4-trns.png", png(grey, 3, 4, extra=[(b"PLTE", palette[:48]), (b"tRNS", bytes(range(0, 160, 10)))])
    profile = b"x\0\0" + zlib.compress(bytes(10_000), 9)
    colors = [(b"gAMA", struct.pack(">I", 30000)), (b"sBIT", b"\5\5\5"), (b"iCCP", profile), (b"tEXt", b"Title\0x")]
    yield "rgb8-colorimetry.png", png(levels(H, W, 3, 8), 2, 8, extra=colors)
    yield "one-pixel.png", png(levels(1, 1, 3, 8), 2, 8)
    yield "rgb8-exif6.png", png(levels(H, W, 3, 8), 2, 8, extra=[(b"eXIf", exif(6, ">"))])


def exif(orientation, order):
    """A TIFF structure with one tag before and one after the orientation."""
    entries = [(0x010F, 2, 4, b"abc\0"), (0x0112, 3, 1, struct.pack(order + "HH", orientation, 0)), (0x0128, 3, 1, struct.pack(order + "HH", 2, 0))]
    body = b"".join(struct.pack(order + "HHI", *e[:3]) + e[3] for e in entries)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", len(entries)) + body + bytes(4)


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def with_segment(data, marker, content):
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + data[2:]


def without_adobe(data):
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + struct.unpack(">H", data[start + 2 : start + 4])[0] :]


def jpeg_files():
    rgb = Image.fromarray(picture(37, 29))
    small = Image.fromarray(picture(17, 11))
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"color-{name}.jpg", jpeg(rgb, quality=85, subsampling=sampling)
    yield "grey.jpg", jpeg(rgb.convert("L"), quality=85)
    yield "progressive.jpg", jpeg(rgb, quality=85, progressive=True)
    yield "progressive-grey.jpg", jpeg(rgb.convert("L"), quality=85, progressive=True)
    yield "restarts.jpg", jpeg(rgb, quality=85, restart_marker_blocks=2)
    yield "rgb-components.jpg", jpeg(rgb, quality=85, keep_rgb=True)
    cmyk = np.dstack([picture(21, 15), picture(21, 15)[::-1, :, 1] // 2])
    adobe = jpeg(Image.fromarray(cmyk, "CMYK"), quality=90, subsampling=0)
    yield "cmyk.jpg", adobe
    yield "cmyk-without-adobe.jpg", without_adobe(adobe)
    # The last byte of the Adobe segment is the transform: 2 says that the same data are YCCK.
    place = adobe.index(b"Adobe") + 11
    yield "ycck.jpg", adobe[:place] + b"\2" + adobe[place + 1 :]
    plain = jpeg(small, quality=60)
    for orientation in range(1, 9):
        order = "<" if orientation % 2 else ">"
        yield f"exif{orientation}.jpg", with_segment(plain, 0xE1, b"Exif\0\0" + exif(orientation, order))


def decoded(data, name):
    image = Image.open(io.BytesIO(data))
    if name.startswith("grey16"):  # Pillow clips 16-bit grey; ours keeps the high byte
        high = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return Image.fromarray(np.dstack([high] * 3))
    return ImageOps.exif_transpose(image.convert("RGB") if "trns" in name else ImageOps.exif_transpose(image).convert("RGB"))


def resize_lines():
    yield "# source width and height, seed of its noise, target width and height, SHA-256 of Pillow's RGB bytes"
    sizes = [(1, 1), (2, 3), (3, 2), (5, 7), (8, 8), (17, 31), (64, 48), (100, 70), (301, 200), (640, 481)]
    targets = [(1, 1), (2, 2), (7, 5), (8, 24), (33, 33), (84, 84), (336, 336), (100, 70)]
    for w, h in sizes:
        for tw, th in targets:
            yield resize_line(w, h, w * 31 + h, tw, th)
    for case in [(1500, 2, 1, 7, 336), (2, 1500, 2, 336, 7), (2000, 1500, 3, 336, 252), (50, 60, 4, 50, 20), (50, 60, 5, 20, 60)]:
        yield resize_line(*case)


def resize_line(w, h, seed, tw, th):
    image = Image.frombytes("RGB", (w, h), noise(3 * w * h, seed)).resize((tw, th), Image.BICUBIC)
    return f"{w} {h} {seed} {tw} {th} {hashlib.sha256(image.tobytes()).hexdigest()}"


def prepared(image, aspect, size, mgvq):
    """HF's CLIPImageProcessor after LLaVA's padding, and MGVQ's input: float32 bytes."""
    w, h = image.size
    square = image
    if aspect == "pad" and w != h:
        side = max(w, h)
        square = Image.new("RGB", (side, side), tuple(int(m * 255) for m in MEAN))
        square.paste(image, ((side - w) // 2, (side - h) // 2))
        image = square
    elif w != h:
        side = min(w, h)
        x, y = (w - side) // 2, (h - side) // 2
        square = image.crop((x, y, x + side, y + side))
    w, h = image.size
    long = int(size * max(w, h) / min(w, h))
    pixels = np.asarray(image.resize((size, long) if w <= h else (long, size), Image.BICUBIC))
    y, x = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
    pixels = pixels[y : y + size, x : x + size].astype(np.float32)
    tower = (pixels / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
    codes = np.asarray(square.resize((mgvq, mgvq), Image.BICUBIC)).astype(np.float32) / np.float32(255) * 2 - 1
    return [np.ascontiguousarray(v.transpose(2, 0, 1)).astype("<f4").tobytes() for v in (tower, codes)]


def prepared_lines():
    for w, h in [(40, 40), (41, 30), (30, 41), (200, 99), (99, 200), (1, 300), (300, 1), (84, 84), (84, 120)]:
        for aspect in ("pad", "square"):
            image = Image.frombytes("RGB", (w, h), noise(3 * w * h, w + h))
            digests = [hashlib.sha256(v).hexdigest() for v in prepared(image, aspect, 84, 64)]
            yield f"noise-{w}-{h} {aspect} 84 64 {digests[0]} {digests[1]}"


def parity_lines(folder):
    from safetensors.numpy import load_file
    for case, file, aspect, mgvq in [("star-png", "image.png", "pad", 80), ("voco-causal-bf16", "image.jpg", "pad", 80), ("sharded-f16-hwc", "image.png", "square", 64)]:
        name = f"parity-{case}{pathlib.Path(file).suffix}"
        (HERE / name).write_bytes((folder / case / file).read_bytes())
        tensors = load_file(folder / case / "expected.safetensors")
        values = [tensors["vision.pixel_values"].tobytes(), tensors["mgvq.pixel_values"].tobytes()]
        assert values == prepared(Image.open(HERE / name).convert("RGB"), aspect, 84, mgvq)
        yield " ".join([name, aspect, "84", str(mgvq)] + [hashlib.sha256(v).hexdigest() for v in values])


def main():
    lines = []
    for name, data in [*png_files(), *jpeg_files()]:
        (HERE / name).write_bytes(data)
        image = decoded(data, name)
        lines.append(f"{name} {image.width} {image.height} {image.tobytes().hex()}")
    (HERE / "decoded.txt").write_text("\n".join(lines) + "\n")
    (HERE / "resized.txt").write_text("\n".join(resize_lines()) + "\n")
    target = HERE / "prepared.txt"
    old = target.read_text().splitlines() if target.exists() else []
    parity = list(parity_lines(pathlib.Path(sys.argv[1]))) if len(sys.argv) > 1 else [l for l in old if l.startswith("parity")]
    first = "# picture, image_aspect_ratio, sides of the two inputs, SHA-256 of vision.pixel_values and of mgvq.pixel_values"
    target.write_text("\n".join([first, *prepared_lines(), *parity]) + "\n")


main()
