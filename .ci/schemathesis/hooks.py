"""Logins for schemathesis, and the rules of the product that JSON Schema cannot say."""

import itertools
import os
import unicodedata
import uuid

import requests
import schemathesis
from schemathesis import GenerationMode

API = os.environ["API_URL"]
PASSWORD = "correct horse battery"
RUN = uuid.uuid4().hex[:8]
people = itertools.count()


def login():
    """The access token of a new person."""
    email = f"{RUN}-{next(people)}@example.com"
    account = {"email": email, "username": email.partition("@")[0], "password": PASSWORD}
    requests.post(f"{API}/auth/register", json=account, timeout=10).raise_for_status()
    answer = requests.post(f"{API}/auth/login", json={"email": email, "password": PASSWORD}, timeout=10)
    answer.raise_for_status()
    return answer.json()["access_token"]


@schemathesis.auth(refresh_interval=600)
class Person:
    """One person for all requests but those that end sessions."""

    def get(self, case, context):
        return login()

    def set(self, case, token, context):
        if case.operation.path in ("/auth/logout", "/auth/sessions/{id}"):
            token = login()
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {token}"


def one_line(text):
    """Without control characters, and not blank."""
    text = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cs", "Cf", "Zl", "Zp"))
    return text.strip() or "a"


def name(text):
    """Letters and digits of one script."""
    letters = "".join(letter for letter in text if letter.isascii() and letter.isalnum())
    return f"a{letters}{uuid.uuid4().hex[:12]}"[:50]


# What a value of the schema becomes so that it also keeps the rules about text.
RULES = {
    "email": lambda text: f"{name(text)}@example.com",
    "username": name,
    "display_name": one_line,
    "status_message": one_line,
    "content": one_line,
    "q": lambda text: one_line(text)[:50],
    "password": lambda text: f"{PASSWORD} {len(text)}",
    "new_password": lambda text: f"{PASSWORD} {len(text)}",
    # The others come from the server.
    "message_type": lambda kind: "text",
}


def valid(field, value):
    if isinstance(value, float):
        # JSON Schema counts 12.0 among the integers.
        return int(value)
    return RULES[field](value) if field in RULES and isinstance(value, str) else value


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if isinstance(case.body, dict):
        case.body = {field: valid(field, value) for field, value in case.body.items()}
    if isinstance(case.query, dict):
        # A cursor is what a page before answered, and only one of three sequence numbers may be given.
        query = {field: valid(field, value) for field, value in case.query.items() if field != "cursor"}
        for field in [field for field in ("before", "after", "around") if field in query][1:]:
            del query[field]
        case.query = query
