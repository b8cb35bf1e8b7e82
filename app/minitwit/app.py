"""The application factory: joins settings, database, pages, API and what operators read."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, ServiceUnavailable
from werkzeug.middleware.proxy_fix import ProxyFix

from minitwit import metrics, passwords, requestlog, smoke
from minitwit.api import api, error_answer
from minitwit.database import connect_to_database
from minitwit.operations import operations
from minitwit.pages import pages
from minitwit.settings import Settings
from minitwit.timelines import PAGE_SIZE

LARGEST_BODY_BYTES = 1_000_000
LARGEST_SWALLOWED_BYTES = 20_000_000
SWALLOW_BYTES = 65_536


def create_app(settings: Settings) -> Flask:
    """The application, ready to serve. Opens no connection: a database that is down or empty is no obstacle."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY_BYTES,
    )
    app.extensions["settings"] = settings
    requestlog.watch_requests(app, settings)
    engine = connect_to_database(app, settings)
    app.extensions["metrics"] = metrics.registry(engine, settings)
    app.before_request(smoke.recognise)
    for part in (operations, smoke.smoke, api, pages):
        app.register_blueprint(part)
    app.register_error_handler(HTTPException, _error_page)
    app.register_error_handler(passwords.Busy, _busy)
    app.jinja_env.globals.update(version=settings.release_tag, page_size=PAGE_SIZE)
    app.jinja_env.filters.update(gravatar=gravatar, moment=moment, profile=profile_path)
    _trust_proxies(app, settings.trusted_proxies)
    return app


def gravatar(email: str, size: int = 48) -> str:
    """The address of the picture that belongs to an e-mail address."""
    digest = hashlib.md5(email.strip().lower().encode("utf-8"), usedforsecurity=False).hexdigest()
    return f"https://www.gravatar.com/avatar/{digest}?d=identicon&s={size}"


def profile_path(username: str) -> str:
    """The path of a user's page: what `url_for` says, which takes ten times as long, thirty times a page."""
    return "/" + quote(username, safe="!$&'()*+,/:;=@")


def moment(epoch_seconds: int) -> str:
    """A time as the pages show it, in UTC."""
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%d @ %H:%M")


def _error_page(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    status = error.code or 500
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        _swallow()
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}  # Allow, Retry-After
    answer = _error_body(status, error)
    answer.headers.extend(headers)
    return answer


def _swallow() -> None:
    """Read what the client still sends: a connection closed under it takes the answer with it."""
    sent = request.environ["wsgi.input"]
    for _ in range(LARGEST_SWALLOWED_BYTES // SWALLOW_BYTES):
        if not sent.read(SWALLOW_BYTES):
            break


def _error_body(status: int, error: HTTPException) -> Response:
    if request.path.startswith("/api/"):
        return error_answer(status, error.description or error.name)
    return make_response(render_template("error.html", title=error.name, sentence=error.description), status)


def _busy(_error: passwords.Busy) -> ResponseReturnValue:
    return _error_page(
        ServiceUnavailable("Many people register or sign in just now. Try again in a moment.", retry_after=1)
    )


def _trust_proxies(app: Flask, count: int) -> None:
    """Believe as many X-Forwarded-* hops as there are proxies of ours in front, and not one more."""
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's documented way to wrap the application
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )
