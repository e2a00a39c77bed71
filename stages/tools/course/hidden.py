"""Hides an answer as a salted hash.

The hash hides an answer from the eye. It does not hide it from a program that tries all answers:
each try takes about 30 milliseconds, and many tasks have few possible answers. That cannot be
otherwise where the check runs on the student's machine.
"""

import hashlib

# 16 MB and 30 ms a try (measured on the machine of the tests), within the memory that every OpenSSL
# allows.
_COST = {"n": 1 << 14, "r": 8, "p": 1, "dklen": 16}


def hashed(answer: str, salt: str) -> str:
    """The scrypt hash (Percival 2009) of an answer in its canonical form, in hex.

    Parameters
    ----------
    answer : str
    salt : str
        It differs between tasks, so equal answers have different hashes.

    Examples
    --------
    >>> hashed("b", "1/first") == hashed("b", "1/first")
    True
    >>> hashed("b", "1/first") == hashed("b", "1/second")
    False
    """
    return hashlib.scrypt(answer.encode(), salt=salt.encode(), **_COST).hex()
