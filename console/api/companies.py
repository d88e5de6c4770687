"""Companies, what holds their money up, and releasing all of it at once."""

from __future__ import annotations

from console.access import caller, company_of
from console.api import schemas
from console.api.blueprint import COMPANY, ApiBlueprint
from console.services import services
from console.shapes import Shape, cause_shape, company_shape
from models import queries
from models.backlog import list_companies
from models.retrying import retry_matching

blueprint = ApiBlueprint("companies", __name__, description="Companies and what holds their money up")


@blueprint.reads("/companies")
@blueprint.gives(200, schemas.CompanyList, "The companies that this token may see")
def show_companies() -> Shape:
    """Companies"""
    with services().database.read() as session:
        companies = list_companies(session, keys=caller().companies)
    return {"companies": [company_shape(company) for company in companies]}


@blueprint.reads(f"{COMPANY}/causes")
@blueprint.gives(200, schemas.Cause(many=True), "The largest group first")
def list_causes(key: str) -> list[Shape]:
    """What holds expenses up, with count and money by cause"""
    with services().database.read() as session:
        company = company_of(session, key)
        return [cause_shape(group) for group in queries.list_causes(session, company.id)]


@blueprint.acts(f"{COMPANY}/retry")
@blueprint.takes_body(schemas.RetryBody, required=False)
@blueprint.gives(202, schemas.Queued, "How many were made due")
def retry_many(body: dict[str, str], key: str) -> Shape:
    """Try again now everything of a cause, of a state, or all that is stuck

    What was skipped, or ignored by a person, is only retried when its state is named.
    """
    with services().database.read() as session:
        company = company_of(session, key)
    queued = retry_matching(
        services().database,
        company,
        cause=body.get("cause"),
        state=body.get("state"),
        actor=caller().actor,
    )
    if queued:
        services().bell.ring(company.key)
    return {"queued": queued}
