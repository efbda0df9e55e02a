"""What a server echoes, without the login that it was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.engines.shared.hiding import Hidden
from reportupdater.errors import QueryError


@pytest.mark.parametrize(
    ("user", "password", "said", "shown"),
    [
        ("ada", None, "for user 'ada'@'10.0.0.1'", "for user '<user>'@'10.0.0.1'"),
        (
            "ada",
            "pw",
            "no adage of ada-1, pws or (pw)",
            "no adage of <user>-1, pws or (<password>)",
        ),
        (None, "s3cret", "xs3cretx", "x<password>x"),
        ("u3 password=s3cret", None, "user 'u3 password=s3cret'", "user '<user>'"),
        ("u3 password=s3cret", None, "user 'u3 passwor'@", "user '<user>'@"),
        ("u3 password=s3cret", None, "what is s3cret?", "what is <user>?"),
        (b"\xc3\xbcrsula", None, "ürsula", "<user>"),
        (b"\xff\xfeword", None, r"\xFF or \xff\xfeword", r"\xFF or <user>"),
        (None, "пароль", "no пароль", "no <password>"),
        (None, "пароль", "no " + "пароль".encode().decode("latin-1"), "no <password>"),
        (None, "пароль", "b'" + repr("пароль".encode())[2:], "b'<password>'"),
        ("", "", "nothing", "nothing"),
        (None, None, "nothing", "nothing"),
    ],
)
def test_user_and_password_are_taken_out_of_what_is_said(
    user: str | bytes | None, password: str | bytes | None, said: str, shown: str
) -> None:
    assert Hidden(user, password)(said) == shown


@given(st.text(st.characters(codec="utf-8"), min_size=4), st.text(), st.text())
def test_no_password_is_left_whatever_is_around_it(secret: str, before: str, after: str) -> None:
    if secret not in "<password>":
        assert secret not in Hidden(None, secret)(f"{before}{secret}{after}").replace(
            "<password>", "\0"
        )


def test_errors_are_cleaned_with_their_parts() -> None:
    error = Hidden("ada", "s3cret").clean(ValueError(1045, "for 'ada'", ("s3cret", 5)))
    assert error.args == (1045, "for '<user>'", ("<password>", 5))
    assert str(Hidden("ada", "s3cret").clean(QueryError("ada: s3cret", hint="x"))) == (
        "<user>: <password> (x)"
    )
