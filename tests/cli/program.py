# SPDX-License-Identifier: Apache-2.0
"""The program under test."""

import json
import re
import struct
import subprocess

PATIENCE = 600  # seconds until a program hangs: sanitizers are slow, machines are busy

# Words of sh that give whoever comes after them a standard output that nobody reads.
CLOSED_PIPE = "mkfifo pipe && exec 3<>pipe >pipe 3<&- && rm pipe"


class Program:
    """The program under test, in a folder of its own."""

    def __init__(self, path, folder):
        self.path = path
        self.folder = folder

    def run(self, *arguments, under=None, **extra):
        """Laws share one process, whose forks see each other's pipes and must not run
        Python: limits and streams are set up by sh, as `under` says, in the process that
        becomes the program."""
        extra.setdefault("stdin", subprocess.DEVNULL)
        extra.setdefault("stdout", subprocess.PIPE)
        shell = ["sh", "-c", f'{under} && exec "$@"', "sh"] if under else []
        return subprocess.run([*shell, self.path, *map(str, arguments)], cwd=self.folder,
                              stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
                              **extra)

    def good(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr!r}"
        return done.stdout.decode()

    def refused(self, *arguments, **extra):
        done = self.run(*arguments, **extra)
        assert done.returncode == 1, (
            f"{arguments}: status {done.returncode}, {done.stderr!r}")
        assert done.stderr.count(b"\n") == 1 and len(done.stderr) <= 400, done.stderr
        return done.stderr.decode()

    def read_npy(self, name):
        data = (self.folder / name).read_bytes()
        header = 10 + struct.unpack("<H", data[8:10])[0]
        assert header % 64 == 0, "the elements of a .npy file start on a multiple of 64"
        code = "q" if b"'<i8'" in data[:header] else "i"
        return list(memoryview(data[header:]).cast(code))

    def commands(self):
        return re.findall(r"(?m)^  cpb ([a-z]+)  ", self.good("--help"))

    def balancers(self):
        rows = json.loads(self.good("compare", "--documents", "4096", "--ranks", 2,
                                    "--json"))
        return [row["balancer"] for row in rows]
