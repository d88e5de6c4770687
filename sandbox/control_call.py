"""One call to the control API."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.connectwise_site import Site
from sandbox.qbo_company import Company
from sandbox.store import World
from sandbox.web import Json, Request
from sandbox.xero_organisation import Organisation


@dataclass
class Call:
    """A control request and the world it is about."""

    world: World
    request: Request

    def body(self) -> Json:
        """The JSON object sent, empty when there is none; raises ValueError."""
        if not self.request.body:
            return {}
        try:
            found = self.request.json()
        except ValueError as trouble:
            raise ValueError(f"the body is not JSON: {trouble}") from None
        if not isinstance(found, dict):
            raise ValueError("the body must be a JSON object")
        return found

    def site(self, company: str) -> Site:
        """The ConnectWise site; raises LookupError naming the known ones."""
        if company not in self.world.sites:
            raise LookupError(
                f"there is no ConnectWise site {company}; there are: {', '.join(self.world.sites)}"
            )
        return self.world.sites[company]

    def organisation(self, tenant: str) -> Organisation:
        """The Xero organisation; raises LookupError naming the known ones."""
        if tenant not in self.world.organisations:
            known = ", ".join(self.world.organisations)
            raise LookupError(f"there is no Xero organisation {tenant}; there are: {known}")
        return self.world.organisations[tenant]

    def company(self, realm: str) -> Company:
        """The QuickBooks company; raises LookupError naming the known ones."""
        if realm not in self.world.qbo_companies:
            known = ", ".join(self.world.qbo_companies)
            raise LookupError(f"there is no QuickBooks company {realm}; there are: {known}")
        return self.world.qbo_companies[realm]
