"""What every page is made with: who is there and what they may do is checked first, errors come as a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as WrongAddress

from console.access import Caller, company_of
from console.api.answers import DATABASE_AWAY, refusal_of
from console.pages.session import csrf
from console.services import services
from errors import Trouble
from models.roles import EVERYWHERE, OPERATOR, VIEWER

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

COMPANY = "/companies/<string(maxlength=100):key>"
ENTRY = "<int(min=1, max=9223372036854775807):entry_id>"  # what a database's integer holds
_READING = ("GET", "HEAD", "OPTIONS")
_HEADINGS = {
    400: "That could not be read",
    403: "You may not do this",
    404: "There is no such page",
    409: "It was not done",
    429: "Too many tries",
    503: "Not right now",
}
_NO_PAGE = "Nothing stands at this address. Look for what you want from the list of companies on."


class PageBlueprint(Blueprint):
    """The pages of one screen.

    Before each, somebody must be logged in, have the role `reads` or (for what changes something) `acts`
    in the company that the address names by `<key>`, and send the token of our own forms. `g.caller` and
    `g.company` are set then. A page without a company asks for the role in all companies; with `anywhere`
    in any one. `public`: nobody needs to be logged in.
    """

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        reads: str = VIEWER,
        acts: str = OPERATOR,
        anywhere: bool = False,
        public: bool = False,
    ) -> None:
        super().__init__(name, import_name)
        self.public, self.anywhere = public, anywhere
        self._reads, self._acts = reads, acts
        self._own: dict[str, str] = {}
        self.before_request(self._guard)
        for trouble in (HTTPException, Trouble, *DATABASE_AWAY):
            self.register_error_handler(trouble, error_page)

    def reads(self, rule: str, *, role: str | None = None) -> Callable[[View], View]:
        """A page that shows something."""
        return self._page(rule, "GET", role or self._reads)

    def acts(self, rule: str, *, role: str | None = None) -> Callable[[View], View]:
        """What a form or a button does."""
        return self._page(rule, "POST", role or self._acts)

    def role_of(self, endpoint: str) -> str:
        """The role that this page asks for."""
        return self._own[endpoint.rpartition(".")[2]]

    def lets(self, caller: Caller, view: str, *, company: str | None) -> bool:
        """Whether this caller may open or press this view, in this company or without one."""
        role = self._own[view]
        if company is None and self.anywhere:
            return caller.may_anywhere(role)
        return caller.may(role, company=company or EVERYWHERE)

    def _page(self, rule: str, method: str, role: str) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            self._own[view.__name__] = role
            self.add_url_rule(rule, view.__name__, view, methods=[method])
            return view

        return decorate

    def _guard(self) -> ResponseReturnValue | None:
        if not self.public:
            if not current_user.is_authenticated:
                return ask_to_log_in()
            g.caller = current_user.caller()
            self._check_role()
        csrf.protect()
        return None

    def _check_role(self) -> None:
        key = (request.view_args or {}).get("key")
        if key is not None:
            with services().database.read() as session:
                g.company = company_of(session, key)
        view = (request.endpoint or "").rpartition(".")[2]
        if not self.lets(g.caller, view, company=key):
            where = f"in {key}" if key else "here" if self.anywhere else "in all companies"
            abort(403, f"This needs the role {self._own[view]} {where}. An admin can give it to you.")


def ask_to_log_in() -> ResponseReturnValue:
    """Leads to the login, and from there back to the page that was asked for."""
    if "HX-Request" in request.headers:  # htmx goes there instead of putting the login into the page
        answer = make_response("", 401)
        answer.headers["HX-Redirect"] = url_for("login.show")
        return answer
    wanted = request.full_path.rstrip("?") if request.method in _READING else None
    return redirect(url_for("login.show", next=wanted if wanted != "/" else None))


def error_page(error: Exception) -> Response:
    """What went wrong as a page: what happened, why, what to do."""
    refusal = refusal_of(error)
    heading = _HEADINGS.get(refusal.code, "Something went wrong")
    is_unknown = isinstance(error, HTTPException) and error.description == WrongAddress.description
    told = {"heading": heading, "message": _NO_PAGE if is_unknown else refusal.message}
    if "HX-Request" in request.headers:  # a piece stands where the answer would have stood
        response = make_response(render_template("_problem.html", **told))
    else:
        response = make_response(render_template("error.html", home=_home(), **told))
    response.status_code = refusal.code
    response.headers.update(refusal.headers)
    return response


def _home() -> str | None:
    """The first page of the company that the address names, if the person may see it."""
    company, caller = g.get("company"), g.get("caller")
    if company is None or caller is None or not caller.may(VIEWER, company=company.key):
        return None
    return url_for("overview.show", key=company.key)


def can(endpoint: str, **values: Any) -> bool:
    """For templates: whether a page or button is there and this caller may use it."""
    name, _, view = endpoint.rpartition(".")
    blueprint = current_app.blueprints.get(name)
    if endpoint not in current_app.view_functions or not isinstance(blueprint, PageBlueprint):
        return False
    return "caller" in g and blueprint.lets(g.caller, view, company=values.get("key"))
