# SPDX-License-Identifier: Apache-2.0
"""The program under test."""

import json
import re
import struct
import subprocess


class Program:
    """The program under test, in a folder of its own."""

    def __init__(self, path, folder):
        self.path = path
        self.folder = folder

    def run(self, *arguments, **extra):
        extra.setdefault("stdin", subprocess.DEVNULL)
        extra.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([self.path, *map(str, arguments)], cwd=self.folder,
                              stderr=subprocess.PIPE, timeout=120, check=False, **extra)

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
