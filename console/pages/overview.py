"""A company's first page: what was posted, what waits, how much money is stuck, and whether all is well."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, render_template
from flask.typing import ResponseReturnValue

from console.condition import Sign, look_at_health
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.front import FOR_A_PERSON
from console.pages.live import live_answer
from console.services import services
from mappers.company_file import load_text
from models import queries, states
from models.alert import Alert
from models.alerts import list_open
from models.company import Company
from models.figures import Day, Posted, by_day, list_posted, money_of

DAYS = 30  # of the charts

blueprint = PageBlueprint("overview", __name__)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The figures of one moment. `version` changes with any of them."""

    company: Company
    today: list[Posted]
    month: list[Posted]
    counts: dict[str, int]
    causes: list[queries.CauseGroup]
    signs: list[Sign]
    alerts: list[Alert]

    @property
    def waiting(self) -> int:
        return sum(self.counts.get(state, 0) for state in states.MOVING)

    @property
    def for_a_person(self) -> int:
        return sum(self.counts.get(state, 0) for state in FOR_A_PERSON)

    @property
    def stuck(self) -> dict[str, Decimal]:
        """The money that causes hold, by currency."""
        sums: dict[str, Decimal] = {}
        for group in self.causes:
            for currency, amount in group.money.items():
                sums[currency] = sums.get(currency, Decimal(0)) + amount
        return sums

    @property
    def version(self) -> str:
        posted, paused = (len(self.today), len(self.month)), (self.company.paused_at, self.company.paused_why)
        alerts = [alert.id for alert in self.alerts]
        seen = (posted, paused, alerts, self.counts, self.causes, self.signs)
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar of a chart: `share` of the longest, 0 to 100."""

    label: str
    said: str
    share: float


@blueprint.reads(COMPANY)
def show(key: str) -> ResponseReturnValue:
    """Figures, health, and the charts of the last DAYS days, which are drawn when the page is opened."""
    summary, days = _look(with_days=True)
    return render_template("overview.html", **_context(summary), charts=charts(days))


@blueprint.reads(f"{COMPANY}/now")
def now(key: str) -> ResponseReturnValue:
    """What changes while somebody looks."""
    summary, _ = _look(with_days=False)
    return live_answer("_overview.html", **_context(summary))


def charts(days: list[Day]) -> dict[str, list[Bar]]:
    """The bars of "posted" and "taken", one a day."""
    counts = _bars([(day, float(day.count), str(day.count)) for day in days])
    times = [(day, day.typical_seconds or 0.0, lasting(day.typical_seconds)) for day in days]
    return {"posted": counts, "taken": _bars(times)}


def _bars(days: list[tuple[Day, float, str]]) -> list[Bar]:
    most = max((value for _, value, _ in days), default=0.0) or 1.0
    return [
        Bar(label=f"{day.date:%-d %b}", said=said, share=round(100 * value / most, 1))
        for day, value, said in days
    ]


def lasting(seconds: float | None) -> str:
    """How long something takes, in its largest unit: under 1 s, 40 s, 5 min, 3 h, 12 d; a dash for none."""
    if seconds is None:
        return "–"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and unit == "min"):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"


def _look(*, with_days: bool) -> tuple[Summary, list[Day]]:
    company: Company = g.company
    zone = ZoneInfo(load_text(company.settings)["company"]["timezone"])
    with services().database.read() as session:
        moment = services().database.now(session)
        today = moment.astimezone(zone).date()
        first = min(today.replace(day=1), today - dt.timedelta(days=DAYS - 1))
        start = first if with_days else today.replace(day=1)
        posted = list_posted(session, company.id, since=dt.datetime.combine(start, dt.time(), zone))
        alerts = list_open(session, company_id=company.id)
        counts, causes = queries.count_open(session, company.id), queries.list_causes(session, company.id)
    dated = [(one, one.at.astimezone(zone).date()) for one in posted]
    summary = Summary(
        company=company,
        today=[one for one, date in dated if date == today],
        month=[one for one, date in dated if date >= today.replace(day=1)],
        counts=counts,
        causes=causes,
        signs=look_at_health(services(), company, now=moment),
        alerts=alerts,
    )
    return summary, by_day(posted, last=today, days=DAYS, zone=zone) if with_days else []


def _context(summary: Summary) -> dict[str, Any]:
    longest = {
        currency: max(abs(group.money.get(currency, Decimal(0))) for group in summary.causes) or Decimal(1)
        for currency in summary.stuck
    }
    return {
        "summary": summary,
        "by_money": {
            currency: sorted(
                (group for group in summary.causes if currency in group.money),
                key=lambda group: -abs(group.money[currency]),
            )
            for currency in summary.stuck
        },
        "version": summary.version,
        "money_today": money_of(summary.today),
        "money_month": money_of(summary.month),
        "longest": longest,
    }
