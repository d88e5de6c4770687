"""Everything put together for the worker side: the only place, beside app.py, that knows every part."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import structlog
from redis import Redis
from redis.exceptions import RedisError

from errors import Paused, Trouble
from mappers.company import CompanySettings
from mappers.company_file import load, load_text
from mappers.traits import TRAITS
from models.companies import find_company, pause_companies
from models.company import Company
from models.database import DATABASE_AWAY, Database
from models.roles import EVERYWHERE
from models.sealing import Sealer
from providers.connectwise import ConnectWise
from providers.contract import Ledger
from providers.http import make_session
from providers.limiter import CONNECTWISE, QBO_BATCHES, XERO, Limiter
from providers.limiter import QBO as QBO_LIMITS
from providers.logins import QBOLogin, XeroLogin
from providers.qbo import QBO
from providers.qbo_identity import refresh as refresh_qbo
from providers.xero import Xero
from providers.xero_identity import refresh as refresh_xero
from settings import Settings, read_settings
from workers.alert_channels import senders
from workers.alerts import Alerts
from workers.queues import LOOK_FOR_ALERTS, POST_EXPENSES, Bell, redis_client
from workers.tokens import Grant, Tokens
from workers.work import Work

log = structlog.get_logger(__name__)


JOB_PATIENCE = 30.0  # seconds for a statement: a job rather waits than begins anew


class Wiring:
    """The parts of one process, built from its settings. Build it after a fork, never before."""

    def __init__(self, settings: Settings, *, patience: float = JOB_PATIENCE) -> None:
        """`patience`: seconds that a statement of the database may take."""
        self.settings = settings
        self.database = Database(settings.database_url, patience=patience)
        self.sealer = Sealer(settings.encryption_keys)
        self.redis: Redis = redis_client(settings.redis_url, fail_fast=True)
        self.bell = Bell(self.redis)
        self._session = make_session()
        self._limiters = {
            "connectwise": Limiter(self.redis, provider="connectwise", limits=CONNECTWISE),
            "xero": Limiter(self.redis, provider="xero", limits=XERO),
            "qbo": Limiter(self.redis, provider="qbo", limits=QBO_LIMITS),
            "qbo-batches": Limiter(self.redis, provider="qbo-batches", limits=QBO_BATCHES),
        }

    def limiter(self, provider: str) -> Limiter:
        return self._limiters[provider]

    def callback_url(self, company: str) -> str:
        """What ConnectWise is told to call; it appends the record id and more."""
        return f"{self.settings.public_url}/callbacks/connectwise/{company}?recordId="

    def work(self, key: str, *, settings: CompanySettings | None = None) -> Work:
        """The company at work; raises NotFound. `settings`: others than the stored ones, to look what they
        would do."""
        with self.database.read() as session:
            company = find_company(session, key)
        settings = settings or load(load_text(company.settings))[0]
        return Work(
            company_id=company.id,
            key=company.key,
            settings=settings,
            database=self.database,
            connectwise=self.connectwise(company),
            tokens=self._tokens(company),
            ledger=self._ledger(company, settings),
            spare_until=lambda: self.limiter(company.provider).spare_until(company.tenant_id or ""),
            traits=TRAITS[company.provider],
            lease_seconds=self.settings.lease_seconds,
            retry_schedule=self.settings.retry_schedule,
        )

    def connectwise(self, company: Company) -> ConnectWise:
        """The company's ConnectWise site."""
        return self.connectwise_at(
            company.cw_site,
            company.cw_company_id,
            self.sealer.open_mapping(company.cw_secrets),
            codebase=company.cw_codebase,
        )

    def connectwise_at(
        self, site: str, company_id: str, keys: Mapping[str, str], *, codebase: str | None = None
    ) -> ConnectWise:
        """A ConnectWise site by its address; `keys` holds public_key, private_key and client_id."""
        return ConnectWise(
            self._session,
            site=site,
            company_id=company_id,
            public_key=keys["public_key"],
            private_key=keys["private_key"],
            client_id=keys["client_id"],
            codebase=codebase,
            allow_http=self.settings.development,
            limiter=self.limiter("connectwise"),
        )

    def access_token(self, key: str) -> str:
        """A fresh access token of the company's grant. Raises NotFound, Paused, Retryable, Wait."""
        with self.database.read() as session:
            tokens = self._tokens(find_company(session, key))
        if tokens is None:
            raise Paused("The company is not connected to a ledger. Connect it.")
        return tokens.current()

    def alerts(self) -> Alerts:
        """What looks for trouble, and tells people by the channels that are set up."""
        channels = senders(
            self._session,
            smtp_url=self.settings.smtp_url,
            alert_from=self.settings.alert_from,
            webhook_url=self.settings.alert_webhook_url,
            public_url=self.settings.public_url,
        )
        schedule = self.settings.retry_schedule
        return Alerts(self.database, self.redis, senders=channels, schedule=schedule)

    def _tokens(self, company: Company) -> Tokens | None:
        if company.connection_id is None:
            return None
        return Tokens(
            self.database,
            self.sealer,
            connection_id=company.connection_id,
            exchange=LEDGERS[company.provider].exchange(self),
        )

    def _ledger(self, company: Company, settings: CompanySettings) -> Callable[[str], Ledger]:
        return LEDGERS[company.provider].build(self, settings.ledger.tenant_id or "")


class LedgerKind(Protocol):
    """How one provider's ledger and tokens are made. `build` gives token → Ledger."""

    def build(self, wiring: Wiring, tenant: str) -> Callable[[str], Ledger]: ...

    def exchange(self, wiring: Wiring) -> Callable[[str], Grant]: ...

    def login(self, wiring: Wiring) -> XeroLogin | QBOLogin: ...


class XeroKind:
    """Xero: https://developer.xero.com/documentation/api/accounting/overview"""

    def build(self, wiring: Wiring, tenant: str) -> Callable[[str], Ledger]:
        def ledger(token: str) -> Ledger:
            return Xero(
                wiring._session,
                api_url=wiring.settings.xero_api_url,
                tenant_id=tenant,
                access_token=token,
                limiter=wiring.limiter("xero"),
            )

        return ledger

    def exchange(self, wiring: Wiring) -> Callable[[str], Grant]:
        settings = wiring.settings

        def trade(refresh_token: str) -> Grant:
            if not settings.xero_client_id or not settings.xero_client_secret:
                raise Paused("XERO_CLIENT_ID and XERO_CLIENT_SECRET are not set; set them and start again.")
            return refresh_xero(
                wiring._session,
                identity_url=settings.xero_identity_url,
                client_id=settings.xero_client_id,
                client_secret=settings.xero_client_secret,
                refresh_token=refresh_token,
            )

        return trade

    def login(self, wiring: Wiring) -> XeroLogin:
        settings = wiring.settings
        return XeroLogin(
            session=wiring._session,
            login_url=settings.xero_login_url,
            identity_url=settings.xero_identity_url,
            api_url=settings.xero_api_url,
            client_id=settings.xero_client_id or "",
            client_secret=settings.xero_client_secret or "",
        )


class QBOKind:
    """QuickBooks Online: https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities"""

    def build(self, wiring: Wiring, tenant: str) -> Callable[[str], Ledger]:
        def ledger(token: str) -> Ledger:
            return QBO(
                wiring._session,
                api_url=wiring.settings.qbo_api_url,
                realm_id=tenant,
                access_token=token,
                limiter=wiring.limiter("qbo"),
                batches=wiring.limiter("qbo-batches"),
            )

        return ledger

    def exchange(self, wiring: Wiring) -> Callable[[str], Grant]:
        def trade(refresh_token: str) -> Grant:
            settings = wiring.settings
            if not settings.qbo_client_id or not settings.qbo_client_secret:
                raise Paused("QBO_CLIENT_ID and QBO_CLIENT_SECRET are not set; set them and start again.")
            return refresh_qbo(
                wiring._session,
                oauth_url=settings.qbo_oauth_url,
                client_id=settings.qbo_client_id,
                client_secret=settings.qbo_client_secret,
                refresh_token=refresh_token,
            )

        return trade

    def login(self, wiring: Wiring) -> QBOLogin:
        settings = wiring.settings
        return QBOLogin(
            session=wiring._session,
            login_url=settings.qbo_login_url,
            oauth_url=settings.qbo_oauth_url,
            client_id=settings.qbo_client_id or "",
            client_secret=settings.qbo_client_secret or "",
        )


LEDGERS: dict[str, LedgerKind] = {"xero": XeroKind(), "qbo": QBOKind()}

_wiring: tuple[int, Wiring] | None = None


def current() -> Wiring:
    """The wiring of this process, built from the environment on first use (again after a fork)."""
    global _wiring
    if _wiring is None or _wiring[0] != os.getpid():
        _wiring = (os.getpid(), Wiring(read_settings(os.environ)))
    return _wiring[1]


@contextmanager
def at_work(company: str, *, job: str = POST_EXPENSES) -> Iterator[tuple[Wiring, Work]]:
    """Answers the bell first, then hands out the company at work. Expected trouble, the database being away
    included, ends the job quietly (the clock rings again); a lost connection pauses the company; a bug goes
    on to RQ's failed registry."""
    wiring = current()
    wiring.bell.answer(company, job=job)
    try:
        with structlog.contextvars.bound_contextvars(company=company, job=job.rpartition(".")[2]):
            yield wiring, wiring.work(company)
    except Paused as lost:
        with wiring.database.write() as session:
            now = wiring.database.now(session)
            pause_companies(session, Company.key == company, why=str(lost), now=now)
        log.warning("company paused", company=company, why=str(lost))
    except Trouble as trouble:
        log.warning("job ended early", company=company, why=str(trouble))
    except DATABASE_AWAY as error:
        why = f"The database does not answer: {str(error)[:300]}"
        log.error("job ended early", company=company, why=why)


@contextmanager
def on_watch() -> Iterator[Wiring]:
    """Answers the bell of the alerts, then hands out the wiring. The database or Redis being away ends the
    job quietly: the clock rings again."""
    wiring = current()
    wiring.bell.answer(EVERYWHERE, job=LOOK_FOR_ALERTS)
    try:
        yield wiring
    except (*DATABASE_AWAY, RedisError, OSError) as error:
        log.warning("alerts were not looked for", error=type(error).__name__)
