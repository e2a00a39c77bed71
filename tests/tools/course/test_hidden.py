"""Salted hashes of answers."""

import hashlib

from stages.tools.course.hidden import hashed


def test_it_is_scrypt_with_the_salt():
    expected = hashlib.scrypt(b"answer", salt=b"1/task", n=16384, r=8, p=1, dklen=16)
    assert hashed("answer", "1/task") == expected.hex()


def test_answers_and_salts_make_a_difference():
    assert len({hashed(answer, salt) for answer in ("a", "b", "判别器") for salt in "xy"}) == 6
