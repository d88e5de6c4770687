"""What every part of the API is made with: caller checked first, arguments by schema, errors in one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Request, Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, HTTPException

from console.api.access import check_caller
from console.api.answers import DATABASE_AWAY, answer_error, error_answer
from errors import Trouble

View = TypeVar("View", bound=Callable[..., Any])

ENTRY = "<int(min=1, max=9223372036854775807):entry_id>"  # what a database's integer holds
EVENT = "<int(min=1, max=9223372036854775807):event_id>"
COMPANY = "/companies/<string(maxlength=100):key>"


class _Parser(FlaskParser):
    """webargs' parser; JSON that Python cannot hold is the sender's mistake, not ours."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        try:
            return super().load_json(req, schema)
        except (RecursionError, ValueError):
            raise BadRequest("The JSON is nested too deeply, or holds a number that is too long.") from None


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint with types, for the calls under /api/v1."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, import_name: str, *, description: str) -> None:
        super().__init__(name, import_name, url_prefix="/api/v1", description=description)
        self.before_request(check_caller)
        self.before_request(_check_body)
        for trouble in (HTTPException, Trouble, *DATABASE_AWAY):
            self.register_error_handler(trouble, error_answer)

    def takes_query(self, schema: type[Schema]) -> Callable[[View], View]:
        """The view's next argument is what the query string says; unknown names are refused."""
        decorate: Callable[[View], View] = self.arguments(schema, location="query", unknown=RAISE)
        return decorate

    def takes_body(self, schema: type[Schema], *, required: bool = True) -> Callable[[View], View]:
        """The view's next argument is what the JSON body says; unknown names are refused."""
        decorate: Callable[[View], View] = self.arguments(schema, required=required, unknown=RAISE)
        return decorate

    def gives(self, code: int, schema: Schema | type[Schema], description: str) -> Callable[[View], View]:
        """The view's answer: its status, its shape and what it is."""
        decorate: Callable[[View], View] = self.response(code, schema, description=description)
        return decorate

    def reads(self, rule: str) -> Callable[[View], View]:
        decorate: Callable[[View], View] = self.route(rule, methods=["GET"])
        return decorate

    def acts(self, rule: str) -> Callable[[View], View]:
        decorate: Callable[[View], View] = self.route(rule, methods=["POST"])
        return decorate


def _check_body() -> Response | None:
    """A body of another type would be taken for no body at all, and "retry these" for "retry everything"."""
    if request.method == "POST" and not request.is_json and request.get_data(cache=True):
        return answer_error(415, "The body must be JSON: send the header `Content-Type: application/json`.")
    return None
