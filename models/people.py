"""The people who use the console: who they are, what they may do where, and the links that let them in."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.company import Company
from models.database import Base, BigId, Instant


class User(Base):
    """One person, known by the e-mail address in small letters.

    `password`: its hash; null until an invited person has chosen one. `stamp` stands in every session of
    theirs: a new one ends them all. `totp_secret` is sealed; null without a second step.
    """

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    password: Mapped[str | None] = mapped_column(Text)
    stamp: Mapped[str] = mapped_column(Text)
    totp_secret: Mapped[str | None] = mapped_column(Text)
    totp_step: Mapped[int | None] = mapped_column(BigId)  # the last one used: a code works once
    disabled_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    seen_at: Mapped[dt.datetime | None] = mapped_column(Instant)  # the last login

    roles: Mapped[list[UserRole]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class UserRole(Base):
    """What a person may do in a company; `company_id` null: in all of them."""

    __tablename__ = "user_role"
    __table_args__ = (Index("user_role_user", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    role: Mapped[str] = mapped_column(Text)

    company: Mapped[Company | None] = relationship(lazy="joined")


class RecoveryCode(Base):
    """Lets a person in once in place of a code of the second step. Kept as a hash, gone when used."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index("recovery_code_user", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    hash: Mapped[str] = mapped_column(Text)


class OneTimeLink(Base):
    """A link that works once, kept as a hash. `user_id`: whose password it lets choose; null: it makes the
    first admin."""

    __tablename__ = "one_time_link"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    hash: Mapped[str] = mapped_column(Text, unique=True)
    expires_at: Mapped[dt.datetime] = mapped_column(Instant)
