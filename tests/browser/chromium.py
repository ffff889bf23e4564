"""Chromium without a window, driven by its DevTools protocol over a pipe: no port, no library. Not a test itself."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def executable():
    """The browser: TAL_CHROMIUM, or the first one of the usual names; None where there is none."""
    return os.environ.get("TAL_CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class BrowserError(Exception):
    pass


class Browser:
    """One process with one page. `errors` collects what pages throw and log as errors."""

    def __init__(self, width=1280, height=800):
        self._profile = tempfile.TemporaryDirectory(prefix="tal-browser-")
        self.downloads = os.path.join(self._profile.name, "downloads")
        os.mkdir(self.downloads)
        command_read, self._command = os.pipe()
        self._answer, answer_write = os.pipe()

        def take_pipes():  # the browser reads 3 and writes 4; both copies first, so that neither hits the other's number
            low, high = os.dup(command_read), os.dup(answer_write)
            os.dup2(low, 3)
            os.dup2(high, 4)
        self._log = open(os.path.join(self._profile.name, "log"), "wb")
        self._process = subprocess.Popen(
            [executable(), "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--hide-scrollbars", "--force-color-profile=srgb", "--font-render-hinting=none",
             "--user-data-dir=" + self._profile.name, "about:blank"],
            preexec_fn=take_pipes, pass_fds=(3, 4), stdout=self._log, stderr=self._log)
        os.close(command_read)
        os.close(answer_write)
        self._buffer, self._number, self._session = b"", 0, None
        self.errors, self._loaded, self._arrived = [], False, {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=self.downloads, eventsEnabled=True)
        self.resize(width, height)

    def close(self):
        if self._process.poll() is None:
            try:
                self._session = None
                self.call("Browser.close")
                self._process.wait(10)
            except (BrowserError, OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()
        os.close(self._command)
        os.close(self._answer)
        self._log.close()
        self._profile.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _receive(self, deadline):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answer], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._answer, 1 << 20) if ready else b""
            if not data:
                with open(self._log.name, "rb") as log:
                    raise BrowserError(("the browser does not answer: " if not ready else "the browser ended: ") + log.read()[-2000:].decode(errors="replace"))
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, timeout=60, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith("Browser."):
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._command, data):]
        deadline = time.monotonic() + timeout
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self._event(answer)

    def _event(self, event):
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"] + " " + parameters["entry"].get("url", ""))
        elif method == "Browser.downloadWillBegin":
            self._arrived[parameters["guid"]] = [parameters["suggestedFilename"], False]
        elif method == "Browser.downloadProgress" and parameters["state"] == "completed":
            self._arrived[parameters["guid"]][1] = True
        elif method == "Page.javascriptDialogOpening":  # "leave the page?"
            self._number += 1
            message = {"id": self._number, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}, "sessionId": self._session}
            os.write(self._command, json.dumps(message).encode() + b"\0")

    # ----- what a person does

    def resize(self, width, height, scale=1, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, path, timeout=60):
        self._loaded = False
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        deadline = time.monotonic() + timeout
        while not self._loaded:
            self._event(self._receive(deadline))
        self.frame()

    def run(self, expression):
        """The value of an expression (or promise) in the page; an exception there is one here."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def until(self, expression, timeout=20):
        """Waits until the expression is true; its value."""
        deadline = time.monotonic() + timeout
        while True:
            value = self.run(expression)
            if value:
                return value
            if time.monotonic() > deadline:
                raise BrowserError(f"after {timeout} s still not: {expression}")
            time.sleep(0.02)

    def frame(self):
        """Waits until what was asked for is drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def _mouse(self, kind, x, y, button="left", **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, pointerType="mouse", **more)

    def move(self, x, y):
        self._mouse("mouseMoved", x, y, button="none")

    def click(self, x, y, count=1):
        self.move(x, y)
        for i in range(1, count + 1):
            self._mouse("mousePressed", x, y, clickCount=i, buttons=1)
            self._mouse("mouseReleased", x, y, clickCount=i)
        self.frame()

    def click_on(self, selector):
        """Clicks the middle of an element, which is scrolled into view."""
        box = self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'nearest'}}); const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; }})()")
        self.click(*box)

    def drag(self, start, end, steps=8, release=True):
        (x1, y1), (x2, y2) = start, end
        self.move(x1, y1)
        self._mouse("mousePressed", x1, y1, clickCount=1, buttons=1)
        for i in range(1, steps + 1):
            self._mouse("mouseMoved", x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps, buttons=1)
        if release:
            self._mouse("mouseReleased", x2, y2, clickCount=1)
        self.frame()

    def key(self, key, ctrl=False, shift=False):
        codes = {" ": 32, "Enter": 13, "Escape": 27, "Delete": 46, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9}
        modifiers = 2 * ctrl + 8 * shift
        text = {} if ctrl or (len(key) > 1 and key != "Enter") else {"text": "\r" if key == "Enter" else key}
        code = codes.get(key, ord(key.upper()) if len(key) == 1 else 0)
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, modifiers=modifiers, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code, modifiers=modifiers)
        self.frame()

    def type_into(self, selector, text):
        self.run(f"document.querySelector({json.dumps(selector)}).focus(); document.querySelector({json.dumps(selector)}).select?.()")
        self.call("Input.insertText", text=text)

    def screenshot(self, selector=None):
        """PNG bytes of what is seen, or of an element."""
        clip = {}
        if selector:
            x, y, w, h = self.run(f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; }})()")
            clip = {"clip": {"x": x, "y": y, "width": w, "height": h, "scale": 1}}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"])

    def downloaded(self, name, timeout=20):
        """The bytes of a finished download, which is taken away."""
        path, deadline = os.path.join(self.downloads, name), time.monotonic() + timeout
        while [name, True] not in self._arrived.values():
            if time.monotonic() > deadline:
                raise BrowserError(f"no download {name}, but {list(self._arrived.values())}")
            self.run("0")  # events in between
            time.sleep(0.05)
        self._arrived.clear()
        with open(path, "rb") as file:
            data = file.read()
        os.unlink(path)
        return data
