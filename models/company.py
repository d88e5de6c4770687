"""A company, its connection to a ledger, and the reference data last read for it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.database import Base, BigId, Instant


class Connection(Base):
    """One OAuth grant. Tokens are sealed; several companies of one grant share the row.

    `refreshing_until` is the lease of whoever refreshes now: single-flight, saved before use.
    """

    __tablename__ = "connection"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)  # who holds it there (mappers.consent.Consent)
    seed_hash: Mapped[str | None] = mapped_column(Text)  # SHA-256 of the refresh token that began the grant
    refresh_token: Mapped[str] = mapped_column(Text)  # sealed
    access_token: Mapped[str | None] = mapped_column(Text)  # sealed
    expires_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    refreshed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    refresh_ends_at: Mapped[dt.datetime | None] = mapped_column(Instant)  # of the refresh token, if unused
    refreshing_until: Mapped[dt.datetime | None] = mapped_column(Instant)
    refreshing_by: Mapped[str | None] = mapped_column(Text)
    lost_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    lost_why: Mapped[str | None] = mapped_column(Text)


class Company(Base):
    """One set of books. `settings` is the company file without its secrets, as JSON."""

    __tablename__ = "company"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    settings: Mapped[str] = mapped_column(Text)
    cw_site: Mapped[str] = mapped_column(Text)
    cw_company_id: Mapped[str] = mapped_column(Text)
    cw_secrets: Mapped[str] = mapped_column(Text)  # sealed mapping
    cw_codebase: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Text)
    tenant_id: Mapped[str | None] = mapped_column(Text)
    connection_id: Mapped[int | None] = mapped_column(ForeignKey("connection.id"))
    paused_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    paused_why: Mapped[str | None] = mapped_column(Text)
    wait_until: Mapped[dt.datetime | None] = mapped_column(Instant)  # the ledger told us to wait
    wait_why: Mapped[str | None] = mapped_column(Text)
    spare_until: Mapped[dt.datetime | None] = mapped_column(Instant)  # the day's last calls are for people
    spare_why: Mapped[str | None] = mapped_column(Text)
    next_sweep_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    next_care_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    swept_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    swept_fully_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    callback_id: Mapped[int | None] = mapped_column(BigId)
    callback_state: Mapped[str | None] = mapped_column(Text)  # "active" | "missing" | "inactive"
    callback_checked_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    updated_at: Mapped[dt.datetime] = mapped_column(Instant)

    connection: Mapped[Connection | None] = relationship(lazy="joined")


class Reference(Base):
    """Reference data of one company as last read: "books" (ledger) or "site" (ConnectWise), as JSON."""

    __tablename__ = "reference"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    name: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    fetched_at: Mapped[dt.datetime] = mapped_column(Instant)


class Event(Base):
    """One signed callback, kept raw. `status`: "queued", "ignored" (not an expense) or "unreadable"."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("company_id", "message_id"),
        Index("event_entry", "company_id", "entry_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    message_id: Mapped[str] = mapped_column(Text)
    type: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str | None] = mapped_column(Text)
    entry_id: Mapped[int | None] = mapped_column(BigId)
    status: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[dt.datetime] = mapped_column(Instant)
    replayed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
