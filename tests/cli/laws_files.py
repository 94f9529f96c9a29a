# SPDX-License-Identifier: Apache-2.0
"""What must hold of files, pipes and memory, whatever goes wrong with them."""

import json
import os
import struct
import subprocess

from laws import MASKS
from program import CLOSED_PIPE


def law_a_duplicate_member_is_refused(cpb):
    cpb.good("plan", *MASKS[0], "--ranks", 4, "--plan", "p.json")
    text = (cpb.folder / "p.json").read_text()
    twice = text.replace('"tokens"', '"ranks": 4, "tokens"', 1)
    (cpb.folder / "p.json").write_text(twice)
    assert "line" in cpb.refused("check", "--plan", "p.json")


def law_every_truncation_of_a_plan_file_is_refused(cpb):
    cpb.good("plan", "--documents", "300,200", "--ranks", 2, "--plan", "p.json")
    text = (cpb.folder / "p.json").read_bytes().rstrip()
    for length in range(0, len(text), max(1, len(text) // 60)):
        (cpb.folder / "cut.json").write_bytes(text[:length])
        assert "line" in cpb.refused("check", "--plan", "cut.json")


def law_every_truncation_of_an_order_is_refused(cpb):
    cpb.good("plan", "--documents", "40", "--ranks", 2, "--balancer", "contiguous",
             "--order", "o.npy")
    data = (cpb.folder / "o.npy").read_bytes()
    for length in range(len(data)):
        (cpb.folder / "cut.npy").write_bytes(data[:length])
        cpb.refused("check", "--order", "cut.npy", "--ranks", 2)


def npy(shape, dtype, values, order="False", version=(1, 0)):
    header = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}"
    size = 10 if version[0] == 1 else 12
    header += " " * (63 - (size + len(header)) % 64) + "\n"
    length = struct.pack("<H" if version[0] == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header.encode() + values


def law_npy_in_every_accepted_form_means_the_same(cpb):
    narrow, wide = struct.pack("<4i", 2, 3, 0, 1), struct.pack("<4q", 2, 3, 0, 1)
    for data in (npy("(4,)", "<i8", wide), npy("(1, 4)", "<i8", wide),
                 npy("(4,)", "<i4", narrow), npy("(1, 4)", "<i4", narrow, "True"),
                 npy("(4,)", "<i8", wide, "True", (2, 0))):
        (cpb.folder / "o.npy").write_bytes(data)
        assert "proved" in cpb.good("check", "--order", "o.npy", "--ranks", 2)


def law_npy_in_any_other_form_is_refused(cpb):
    wide = struct.pack("<4q", 2, 3, 0, 1)
    for data, word in (
            (npy("(4,)", ">i8", wide), ">i8"), (npy("(4,)", "<u8", wide), "<u8"),
            (npy("(4,)", "<f8", wide), "<f8"), (npy("(2, 2)", "<i8", wide), "(2, 2)"),
            (npy("(4, 1)", "<i8", wide), "(4, 1)"), (npy("()", "<i8", wide), "()"),
            (npy("(5,)", "<i8", wide), "truncated"),
            (npy("(3,)", "<i8", wide), "behind"),
            (npy("(4,)", "<i8", wide, "Maybe"), "fortran_order"),
            (npy("(4,)", "<i8", wide, version=(3, 0)), "3.0"),
            (npy("(0,)", "<i8", b""), "0 entries"),
            (npy("(99999999999,)", "<i8", wide), "99999999999"),
            (b"PK\x03\x04" + wide * 4, "NUMPY"), (b"", "NUMPY"),
            (npy("(4,)", "<i8", struct.pack("<4q", 2, 3, 0, 0)), "o.npy"),
            (npy("(4,)", "<i8", struct.pack("<4q", 2, 3, 0, 4)), "o.npy"),
            (npy("(4,)", "<i8", struct.pack("<4q", 2, 3, 0, -1)), "o.npy")):
        (cpb.folder / "o.npy").write_bytes(data)
        sentence = cpb.refused("check", "--order", "o.npy", "--ranks", 2)
        assert word in sentence, sentence


def law_a_closed_pipe_is_one_sentence(cpb):
    for arguments in (["plan", *MASKS[0], "--ranks", 4, "--json"],
                      ["compare", *MASKS[0], "--ranks", 4], ["--help"], ["--version"],
                      ["pad", "--documents", "5,6", "--ranks", 2]):
        sentence = cpb.refused(*arguments, under=CLOSED_PIPE)
        assert "Broken pipe" in sentence, sentence


def law_a_full_disk_leaves_nothing_behind(cpb):
    for flag in ("--order", "--inverse", "--plan"):
        documents = ",".join(["100"] * 2000)
        cpb.refused("plan", "--documents", documents, "--ranks", 4, flag, "out",
                    under="ulimit -f 8")
        assert not os.listdir(cpb.folder), os.listdir(cpb.folder)


def law_a_failure_keeps_the_file_that_was_there(cpb):
    (cpb.folder / "o.npy").write_text("precious")
    cpb.refused("plan", "--documents", "100", "--ranks", 2, "--order", "o.npy",
                "--plan", "/dev/full")
    with open("/dev/full", "wb") as full:
        cpb.refused("plan", "--documents", "100", "--ranks", 2, "--order", "o.npy",
                    stdout=full)
    assert os.listdir(cpb.folder) == ["o.npy"]
    assert (cpb.folder / "o.npy").read_text() == "precious"


def law_a_symbolic_link_keeps_pointing_and_a_mode_stays(cpb):
    target = cpb.folder / "target"
    target.write_text("old")
    target.chmod(0o640)
    (cpb.folder / "link").symlink_to("target")
    cpb.good("plan", "--documents", "100", "--ranks", 2, "--plan", "link")
    assert (cpb.folder / "link").is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert json.loads(target.read_text())["tokens"] == 100


def law_a_fifo_is_written_directly(cpb):
    fifo = cpb.folder / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE) as reader:
        cpb.good("plan", "--documents", "100", "--ranks", 2, "--plan", "fifo")
        assert json.loads(reader.stdout.read())["tokens"] == 100
    assert fifo.is_fifo()


def law_lengths_come_from_anywhere(cpb):
    plain = cpb.good("plan", "--documents", "5,60,7", "--ranks", 2, "--json")
    (cpb.folder / "lengths").write_text("5 60\n\t7\r\n")
    text = json.loads(plain)
    standard = cpb.run("plan", "--documents", "-", "--ranks", 2, "--json",
                       stdin=None, input=b"5, 60\n7")
    from_file = cpb.good("plan", "--documents", "@lengths", "--ranks", 2, "--json")
    for other in (json.loads(standard.stdout), json.loads(from_file)):
        other["plan_seconds"] = text["plan_seconds"]
        assert other == text


def law_too_little_memory_is_one_sentence(cpb):
    if b"__asan" in cpb.path.read_bytes():
        return  # sanitizers need more address space than any limit here

    for megabytes in (40, 100, 200):
        sentence = cpb.refused("plan", "--mask", "causal:1000000000", "--ranks", 2,
                               "--order", "o.npy", under=f"ulimit -v {megabytes << 10}")
        assert "memory" in sentence, sentence
        assert not os.listdir(cpb.folder)
