"""An RTSP camera for the tests: one client, one MPEG-4 video over the same connection (RFC 2326 section 10.12, RTP payload of RFC 6416). Not a test itself."""
import re
import socket
import struct
import threading
import time


def mpeg4_frames(mp4):
    """What an MP4 file of MPEG-4 visual says about its decoder, and its coded pictures."""
    at = mp4.index(b"\0\0\1\xb0", mp4.index(b"esds"))
    config = mp4[at:mp4.index(b"\x06\x80\x80\x80\x01\x02", at)]
    at = mp4.index(b"mdat")
    data = mp4[at + 4:at - 4 + struct.unpack_from(">I", mp4, at - 4)[0]]
    starts = [m.start() for m in re.finditer(re.escape(b"\0\0\1\xb6"), data)]
    return config, [data[a:b] for a, b in zip([0, *starts[1:]], [*starts[1:], len(data)])]


class Camera:
    """Sends the pictures as fast as they are read, or with pause(k) seconds behind picture k, then hangs up."""

    def __init__(self, config, frames, fps, pause=lambda k: 0):
        self.config, self.frames, self.fps, self.pause = config, frames, fps, pause
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self.listener.getsockname()[1]}/camera"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as requests:
            while request := requests.readline().decode().split():
                fields = {}
                while line := requests.readline().decode().strip():
                    name, _, value = line.partition(":")
                    fields[name.lower()] = value.strip()
                self.asked.append(request[0])
                connection.sendall(self.answer(request[0], fields))
                if request[0] == "PLAY":
                    return self.play(connection)

    def answer(self, method, fields):
        body, more = "", []
        if method == "OPTIONS":
            more = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
        elif method == "DESCRIBE":
            body = "\r\n".join(["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 127.0.0.1", "t=0 0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 MP4V-ES/90000",
                                f"a=fmtp:96 profile-level-id=1; config={self.config.hex()}", f"a=framerate:{self.fps}", "a=control:track", ""])
            more = ["Content-Type: application/sdp", f"Content-Base: {self.url}/"]
        elif method == "SETUP":
            more = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
        elif method == "PLAY":
            more = ["Session: 1", "RTP-Info: url=" + self.url + "/track;seq=0;rtptime=0"]
        return "\r\n".join(["RTSP/1.0 200 OK", "CSeq: " + fields["cseq"], *more, f"Content-Length: {len(body)}", "", body]).encode()

    def play(self, connection):
        number = 0
        for k, frame in enumerate(self.frames):
            pieces = [frame[i:i + 1200] for i in range(0, len(frame), 1200)]
            for i, piece in enumerate(pieces):
                last = 0x80 if i + 1 == len(pieces) else 0
                packet = struct.pack(">BBHII", 0x80, last | 96, number % 65536, round(k * 90000 / self.fps), 1) + piece
                connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                number += 1
            time.sleep(self.pause(k))
