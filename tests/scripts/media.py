"""Video files for the tests, written byte by byte: no encoder needed, and every oddity can be had."""
import struct


def avi_frames(raw):
    """The JPEG pictures of a Motion JPEG file."""
    at, frames = raw.index(b"movi") + 4, []
    while raw[at:at + 4] == b"00dc":
        size = struct.unpack_from("<I", raw, at + 4)[0]
        frames.append(raw[at + 8:at + 8 + size])
        at += 8 + size + size % 2
    return frames


def resized_header(jpeg, width, height):
    """The same coded blocks under another size: fewer pixels of the last ones are shown."""
    at = jpeg.index(b"\xff\xc0")
    return jpeg[:at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9:]


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind, *parts):
    return box(kind, b"\0\0\0\0", *parts)


IDENTITY = (1, 0, 0, 1)
QUARTER_TURN = (0, 1, -1, 0)


def mp4(frames, width, height, codec=b"jpeg", durations=None, matrix=IDENTITY, index=True, timescale=1000):
    """ISO media: one video track, one chunk; durations in milliseconds; `index`: with moov, behind the data."""
    durations = durations or [40] * len(frames)
    total = sum(durations)
    a, b, c, d = (v * 65536 for v in matrix)
    turn = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    head = box(b"ftyp", b"qt  ", struct.pack(">I", 512), b"qt  ")
    data = box(b"mdat", *frames)
    if not index:
        return head + data
    entry = box(codec, b"\0" * 6, struct.pack(">H", 1), b"\0" * 16, struct.pack(">HH", width, height), struct.pack(">II", 72 << 16, 72 << 16), b"\0" * 4,
                struct.pack(">H", 1), b"\0" * 32, struct.pack(">Hh", 24, -1))
    table = box(b"stbl",
                full(b"stsd", struct.pack(">I", 1), entry),
                full(b"stts", struct.pack(">I", len(frames)), *(struct.pack(">II", 1, t) for t in durations)),
                full(b"stsc", struct.pack(">4I", 1, 1, len(frames), 1)),
                full(b"stsz", struct.pack(">II", 0, len(frames)), *(struct.pack(">I", len(f)) for f in frames)),
                full(b"stco", struct.pack(">II", 1, len(head) + 8)))
    media = box(b"mdia",
                full(b"mdhd", struct.pack(">4IHH", 0, 0, timescale, total, 0, 0)),
                full(b"hdlr", b"\0" * 4, b"vide", b"\0" * 12, b"\0"),
                box(b"minf", box(b"vmhd", struct.pack(">I4H", 1, 0, 0, 0, 0)), box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ")[:-1] + b"\1")), table))
    track = box(b"trak", box(b"tkhd", struct.pack(">I", 3), struct.pack(">5I", 0, 0, 1, 0, total), b"\0" * 16, turn, struct.pack(">II", width << 16, height << 16)), media)
    movie = full(b"mvhd", struct.pack(">4I", 0, 0, timescale, total), struct.pack(">IH", 1 << 16, 256), b"\0" * 10, struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30),
                 b"\0" * 24, struct.pack(">I", 2))
    return head + data + box(b"moov", movie, track)


def ogg_page(data, granule, number, flags):
    """A page of one packet; its checksum is of the polynomial 0x04c11db7."""
    page = b"OggS\0" + struct.pack("<BqIII", flags, granule, 1, number, 0) + bytes([len(data) // 255 + 1]) + b"\xff" * (len(data) // 255) + bytes([len(data) % 255]) + data
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04c11db7 if crc & 0x80000000 else 0)) & 0xffffffff
    return page[:22] + struct.pack("<I", crc) + page[26:]


def ogg(frames, width, height):
    """Ogg with pictures as OGM has them: a header, comments, a page a picture, 25 a second."""
    header = b"\1video\0\0\0MJPG" + struct.pack("<IqqIIIII", 56, 400000, 1, 1, 65536, 24, width, height) + b"\0" * 4
    comments = b"\3vorbis" + struct.pack("<II", 0, 0) + b"\1"
    pages = [ogg_page(header, 0, 0, 2), ogg_page(comments, 0, 1, 0)]
    return b"".join(pages + [ogg_page(b"\x08" + f, k, k + 2, 4 if k + 1 == len(frames) else 0) for k, f in enumerate(frames)])


def webm_later(data, milliseconds):
    """A WebM file whose pictures are shown so much later, in place: no size changes. Its first cluster begins at 0."""
    out = bytearray(data)
    containers = {0x18538067, 0x1f43b675, 0x1549a966, 0x1c53bb6b, 0xbb, 0x1254c367, 0x7373, 0x67c8}  # Segment, Cluster, Info, Cues, CuePoint, Tags, Tag, SimpleTag

    def number(at, marked):
        size = 9 - data[at].bit_length()
        return int.from_bytes(data[at:at + size], "big") & (-1 if marked else (1 << 7 * size) - 1), at + size

    def walk(at, end, first):
        while at < end:
            name, at = number(at, True)
            size, at = number(at, False)
            field = slice(at, at + size)
            if name in containers:
                walk(at, at + size, first)
            elif name in (0xe7, 0xb3):  # the time of a cluster, of a cue: one byte holds no more than the first's 0
                first = size == 1
                if not first:
                    out[field] = (int.from_bytes(data[field], "big") + milliseconds).to_bytes(size, "big")
            elif name == 0xa3 and first:  # a block, whose time counts from its cluster's
                out[at + 1:at + 3] = (int.from_bytes(data[at + 1:at + 3], "big") + milliseconds).to_bytes(2, "big")
            elif name == 0x4489:
                out[field] = struct.pack(">d", struct.unpack(">d", data[field])[0] + milliseconds)
            elif name == 0x4487 and data[field].startswith(b"00:00:"):  # DURATION of the track
                later = float(data[field][6:].rstrip(b"\0")) + milliseconds / 1000
                out[field] = b"00:00:%012.9f" % later + data[field][18:]
            at += size

    walk(0, len(data), False)
    return bytes(out)


def element(name, body):
    """Of Matroska: its name in hex, a size of eight bytes, its body."""
    return bytes.fromhex(name) + b"\x01" + len(body).to_bytes(7, "big") + body


def matroska_head(width, height, rate):
    """Of a file that is still written: a Motion JPEG track, 25 pictures a second, and one of 16 bits of sound."""
    number = lambda name, value: element(name, value.to_bytes(4, "big"))
    track = lambda k, kind, codec, *parts: element("ae", number("d7", k) + number("73c5", k) + number("83", kind) + element("86", codec) + b"".join(parts))
    return (element("1a45dfa3", element("4282", b"matroska") + number("4287", 4) + number("4285", 2)) + bytes.fromhex("18538067 01ffffffffffffff")
            + element("1549a966", number("2ad7b1", 1000000))
            + element("1654ae6b", track(1, 1, b"V_MJPEG", number("23e383", 40000000), element("e0", number("b0", width) + number("ba", height)))
                      + track(2, 2, b"A_PCM/INT/LIT", element("e1", element("b5", struct.pack(">d", rate)) + number("9f", 1) + number("6264", 16)))))


def matroska_cluster(time, blocks):
    """blocks: track, milliseconds behind the cluster's, data."""
    return element("1f43b675", element("e7", time.to_bytes(4, "big")) + b"".join(element("a3", struct.pack(">BhB", 0x80 | track, at, 0x80) + data) for track, at, data in blocks))
