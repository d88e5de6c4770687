"""Alerts: what people should hear of without looking, once while it lasts and once when it is over."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.company import Company
from models.database import Base, BigId, Instant


class Alert(Base):
    """One trouble from when it was seen until it was gone. `company_id` null: it concerns all companies.

    `subject`: which one of its kind, such as the cause. `lasting` names company, kind and subject until it is
    over, so that the same trouble is never there twice. `text` is a sentence or two for people: what happened
    and what to do, without secrets and without what stands in an entry.
    """

    __tablename__ = "alert"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    lasting: Mapped[str | None] = mapped_column(Text, unique=True)
    text: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[dt.datetime] = mapped_column(Instant)
    cleared_at: Mapped[dt.datetime | None] = mapped_column(Instant)

    company: Mapped[Company | None] = relationship(lazy="joined")


class Notice(Base):
    """An alert to be told by one channel ("mail" or "webhook"): that it was raised, or that it is `over`.

    `due_at`: when it is tried next; null: it was sent at `sent_at`, or is not tried any more, and `error`
    says why.
    """

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_alert", "alert_id"),
        Index(
            "notice_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    channel: Mapped[str] = mapped_column(Text)
    over: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    sent_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(Text)

    alert: Mapped[Alert] = relationship(lazy="joined")
