# Every command of the README runs: blocks marked ```sh, in order, in one empty folder, with the tools on PATH. A comment <!-- sh: ... --> is run
# too: it stands for what a reader has by then, such as trained models.
# label: docs
# cost: 60
import os
import re
import subprocess
import sys
import tempfile

from harness import works

source, binaries = os.environ["TAL_SOURCE"], os.environ["TAL_BIN"]
text = open(os.path.join(source, "README.md"), encoding="utf-8").read()
blocks = [shown or hidden for shown, hidden in re.findall(r"^```sh\n(.*?)^```|^<!-- sh:[^\n]*\n(.*?)^-->", text, re.M | re.S)]
bad = 0 if blocks else 1
with tempfile.TemporaryDirectory() as folder:
    environment = dict(os.environ, PATH=binaries + ":" + os.environ["PATH"], TAL=source)
    for block in blocks:
        if "tal-extract" in block and not works("tal-extract"):
            print("left out, this build has no video tools:\n" + block)
            continue
        if re.search("tal-train|-m [a-z]+\\.safetensors", block) and not works("tal-train"):
            print("left out, this build has no LibTorch:\n" + block)
            continue
        run = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", block], cwd=folder, env=environment, capture_output=True, text=True)
        print(("ok" if run.returncode == 0 else "FAILED (%d)" % run.returncode) + "\n" + block)
        if run.returncode != 0:
            bad += 1
            print(run.stdout[-2000:], run.stderr[-2000:])
sys.exit(1 if bad else 0)
