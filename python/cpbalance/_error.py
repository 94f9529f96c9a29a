# SPDX-License-Identifier: Apache-2.0
"""What the library refuses, as exceptions."""


class Error(ValueError):
    """The input breaks a rule; the text is the library's sentence.

    at      index of the offending element or character, -1 where there is none
    status  what kind of refusal it is, in two or three words
    """

    at: int
    status: str

    def __init__(self, sentence: str, at: int = -1, status: str = "invalid input") -> None:
        super().__init__(sentence)
        self.at = at
        self.status = status


class Refuted(Error):
    """A check found a counterexample; the text names the first one."""
