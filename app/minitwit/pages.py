"""The pages for people: timelines, profile, following, and the account forms."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from minitwit import accounts, database, timelines
from minitwit.accounts import Registration
from minitwit.models import User
from minitwit.names import storable

# Postgres counts rows in 64 bits; no page that a person could mean lies beyond this one.
LAST_PAGE = 1_000_000

pages = Blueprint("pages", __name__)


@pages.before_app_request
def recognise_user() -> None:
    """Load whoever is logged in; an account that is gone (a restored backup) is logged out."""
    g.user = None
    if request.blueprint != pages.name or "user_id" not in session:
        return
    g.user = database.session().get(User, session["user_id"])
    if g.user is None:
        session.pop("user_id")


@pages.get("/")
def timeline() -> Response | str:
    """My timeline, or the public one for strangers."""
    if g.user is None:
        return redirect(url_for("pages.public_timeline"))
    page = _page()
    posts = timelines.for_user(database.session(), g.user, page=page)
    return render_template("timeline.html", title="My Timeline", posts=posts, page=page, write=True)


@pages.get("/public")
def public_timeline() -> str:
    """Everybody's messages."""
    page = _page()
    posts = timelines.public(database.session(), page=page)
    return render_template("timeline.html", title="Public Timeline", posts=posts, page=page)


@pages.get("/<username>")
def user_timeline(username: str) -> str:
    """One user's messages and whether I follow them."""
    profile, page = _profile(username), _page()
    db = database.session()
    return render_template(
        "timeline.html",
        title=f"{profile.username}'s Timeline",
        posts=timelines.of_user(db, profile, page=page),
        page=page,
        profile=profile,
        followed=g.user is not None and accounts.is_following(db, g.user, profile),
    )


@pages.get("/<username>/follow")
def follow(username: str) -> Response:
    """Follow that user."""
    me, profile = _me(), _profile(username)
    accounts.follow(database.session(), me, profile)
    flash(f'You are now following "{profile.username}"')
    return redirect(url_for("pages.user_timeline", username=profile.username))


@pages.get("/<username>/unfollow")
def unfollow(username: str) -> Response:
    """Stop following that user."""
    me, profile = _me(), _profile(username)
    accounts.unfollow(database.session(), me, profile)
    flash(f'You are no longer following "{profile.username}"')
    return redirect(url_for("pages.user_timeline", username=profile.username))


@pages.post("/add_message")
def add_message() -> Response:
    """Publish a message."""
    me = _me()
    text = storable(request.form.get("text"))
    if text:
        timelines.write(database.session(), me, text)
        flash("Your message was recorded")
    return redirect(url_for("pages.timeline"))


@pages.route("/login", methods=["GET", "POST"])
def login() -> Response | str:
    """Prove who I am."""
    if g.user is not None:
        return redirect(url_for("pages.timeline"))
    error = None
    if request.method == "POST":
        form = request.form
        found = accounts.log_in(database.session(), form.get("username", ""), form.get("password", ""))
        if isinstance(found, User):
            session["user_id"] = found.user_id
            flash("You were logged in")
            return redirect(url_for("pages.timeline"))
        error = found
    return render_template("login.html", title="Sign In", error=error)


@pages.route("/register", methods=["GET", "POST"])
def register() -> Response | str:
    """Create an account; does not log in."""
    if g.user is not None:
        return redirect(url_for("pages.timeline"))
    error = None
    if request.method == "POST":
        fields = {name: request.form.get(name, "") for name in ("username", "email", "password", "password2")}
        wanted = Registration(**fields, smoke_user=g.smoke_user)
        method = current_app.extensions["settings"].password_method
        error = accounts.register(database.session(), wanted, method)
        if error is None:
            flash("You were successfully registered and can login now")
            return redirect(url_for("pages.login"))
    return render_template("register.html", title="Sign Up", error=error)


@pages.get("/logout")
def logout() -> Response:
    """Forget who I am."""
    session.pop("user_id", None)
    flash("You were logged out")
    return redirect(url_for("pages.public_timeline"))


def _me() -> User:
    if g.user is None:
        abort(401)
    me: User = g.user
    return me


def _profile(username: str) -> User:
    found = accounts.find_user(database.session(), username, viewer=g.user)
    if found is None:
        abort(404)
    return found


def _page() -> int:
    try:
        wanted = int(request.args.get("p", 0))
    except ValueError:
        return 0
    return min(max(wanted, 0), LAST_PAGE)
