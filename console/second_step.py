"""The second step of a login: a code of the person's phone (RFC 6238), or a recovery code, each used once."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets

import pyotp
import segno
from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.api_tokens import hash_token
from models.people import RecoveryCode, User
from models.sealing import Sealer
from models.users import tell

ISSUER = "Expense Relay"
STEP_SECONDS = 30
CODES = 10


def new_secret() -> str:
    """A secret for an authenticator app, in base 32."""
    return pyotp.random_base32()


def picture(secret: str, email: str) -> str:
    """The QR code that the app reads, as an image's address."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    return segno.make(address, error="m").svg_data_uri(scale=5, border=2, light="#fff")


def turn_on(session: Session, user: User, secret: str, *, sealer: Sealer, now: dt.datetime) -> list[str]:
    """From now on a login asks for a code; the recovery codes, which are seen this once only."""
    user.totp_secret = sealer.seal(secret)
    user.totp_step = _step(now)  # the code that proved the app is used up
    codes = [secrets.token_hex(8) for _ in range(CODES)]
    _forget_codes(session, user)
    session.add_all(RecoveryCode(user_id=user.id, hash=hash_token(code)) for code in codes)
    tell(session, f"{user.email} logs in with a second step", actor=user.email, now=now)
    return ["-".join(code[place : place + 4] for place in range(0, 16, 4)) for code in codes]


def turn_off(session: Session, user: User, *, actor: str, now: dt.datetime) -> None:
    """A login asks for no code any more."""
    user.totp_secret = user.totp_step = None
    _forget_codes(session, user)
    tell(session, f"{user.email} logs in without a second step", actor=actor, now=now)


def take_code(session: Session, user: User, text: str, *, sealer: Sealer, now: dt.datetime) -> bool:
    """Whether the code is right; then it is used up. The user's row must be locked."""
    code = "".join(text.split()).replace("-", "").lower()
    step = matching_step(sealer.open(user.totp_secret or ""), code, now=now)
    if step is not None and (user.totp_step is None or step > user.totp_step):
        user.totp_step = step
        return True
    spent = delete(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.hash == hash_token(code))
    return session.execute(spent.returning(RecoveryCode.id)).first() is not None


def matching_step(secret: str, code: str, *, now: dt.datetime) -> int | None:
    """The half minute whose code this is: the last, this or the next one, for clocks that differ."""
    app = pyotp.TOTP(secret)
    steps = (_step(now) + drift for drift in (-1, 0, 1))
    return next(
        (s for s in steps if hmac.compare_digest(app.at(s * STEP_SECONDS).encode(), code.encode())), None
    )


def _step(now: dt.datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _forget_codes(session: Session, user: User) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
