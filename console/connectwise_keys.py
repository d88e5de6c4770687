"""Another ConnectWise site, or other keys for it. Whoever calls has tried them already."""

from __future__ import annotations

from collections.abc import Mapping

from console.company_change import change_settings, lock_company, note_change, take_turns
from errors import NotFound
from mappers.company_file import load, load_text
from models.companies import resume_company
from models.database import Database
from models.sealing import Sealer


def change_keys(
    database: Database,
    sealer: Sealer,
    key: str,
    *,
    site: str,
    company_id: str,
    keys: Mapping[str, str],
    actor: str,
) -> None:
    """Stores public_key, private_key and client_id, sealed; a company that waited for them goes on.

    Raises Problems for an address that can't be a site's; nothing has changed then."""
    with database.write() as session:
        take_turns(session)
        company = lock_company(session, key)
        if company is None:
            raise NotFound(f"There is no company {key!r}.")
        now = database.now(session)
        tables = load_text(company.settings)
        tables["connectwise"] |= {"site": site, "company_id": company_id}
        changes = change_settings(session, company, load(tables)[0], now=now)
        company.cw_secrets = sealer.seal_mapping(keys)
        if company.connection is None or company.connection.lost_at is None:
            resume_company(session, company, now=now)
        text = "; ".join([*changes, "ConnectWise has new keys"])
        note_change(session, company, actor=actor, what="connection", text=text, now=now)
