"""What is shown of commands and addresses, and what is not."""

from __future__ import annotations

import shlex
from time import process_time

import pytest

from reportupdater.redaction import Redaction, redacted, redacted_words


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("mail -s failed root", "mail -s failed root"),
        ("notify --token abc123 --to me", "notify --token *** --to me"),
        ("notify --token=abc123 --to me", "notify --token=*** --to me"),
        ("notify -p abc123", "notify -p ***"),
        ("notify --api-key abc123 token abc123", "notify --api-key *** token ***"),
        ("notify --password 'a b' secret a", "notify --password *** secret ***"),
        ("notify --key=abc --monkey=5 --keyboard de", "notify --key=*** --monkey=5 --keyboard de"),
        ("env TOKEN=abc X=1 notify", "env TOKEN=*** X=1 notify"),
        ("curl -u me:abc https://h.example.org/", "curl -u me:*** https://h.example.org/"),
        (
            "curl https://me:abc@h.example.org:99/a/b?token=abc&x=1#abc",
            "curl https://***@h.example.org:99/a/b?***",
        ),
        ("beeline -u jdbc:x y", "beeline -u jdbc:x y"),
        ("curl https://abc@h.example.org", "curl https://***@h.example.org"),
        (
            "curl https://h.example.org/services/T0123/AbCd1234EfGh5678IjKl",
            "curl https://h.example.org/services/T0123/***",
        ),
        ("curl -H 'Authorization: Bearer abc.def'", "curl -H 'Authorization: Bearer ***'"),
        ("curl -H 'X-Api-Key: abc'", "curl -H 'X-Api-Key: ***'"),
        ("curl -H 'Cookie: abc'", "curl -H 'Cookie: ***'"),
        (
            "sh -c 'notify --token abc; curl https://u:p@h.example.org/x'",
            "sh -c 'notify --token ***; curl https://***@h.example.org/x'",
        ),
        (
            "beeline -u 'jdbc:hive2://h:10000/d;user=u;password=abc?a=b'",
            "beeline -u 'jdbc:hive2://h:10000/d;user=u;password=***'",
        ),
        (
            "beeline -u 'jdbc:hive2://h/d;ssl=true;trustStorePassword=abc;x=1' -n u",
            "beeline -u 'jdbc:hive2://h/d;ssl=true;trustStorePassword=***;x=1' -n u",
        ),
    ],
)
def test_the_words_of_a_command_are_shown_without_secrets(command: str, shown: str) -> None:
    assert shlex.join(redacted_words(shlex.split(command))) == shlex.join(shlex.split(shown))


@pytest.mark.parametrize(
    "text", ["daily edits", "T123: see https://wiki.example.org/Edits", "10:30", "a=b", "", "a/b?c"]
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_what_a_command_prints_of_its_own_secrets_is_not_shown() -> None:
    said = Redaction(["notify", "--token", "abc123", "https://h.example.org/x?id=def456"])
    assert said("abc123 is no token for id=def456, says https://u:p@h.example.org") == (
        "*** is no token for ***, says https://***@h.example.org"
    )


def test_a_long_text_of_dotted_or_dashed_words_takes_no_time() -> None:
    text = "x." * 16_000 + " " + "a-" * 16_000
    began = process_time()
    assert redacted(text) == text
    assert process_time() - began < 5  # it took 20 s where a scheme could be of any length
