"""Logins and data for schemathesis, and the rules of the product that JSON Schema cannot say."""

import base64
import hashlib
import itertools
import os
import struct
import time
import unicodedata
import uuid
import zlib

import requests
import schemathesis
from schemathesis import GenerationMode

API = os.environ["API_URL"]
PASSWORD = "correct horse battery"
RUN = uuid.uuid4().hex[:8]
people = itertools.count()

# What the person of all requests can see: fields of requests, ids in paths, whole bodies, and uploads for profile and group.
fields, ids, bodies, pictures = {}, {}, {}, {}


def post(path, token, body):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(f"{API}{path}", json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def login():
    """The id of a new person, what the person logs in with, and the tokens of a login."""
    email = f"{RUN}-{next(people)}@example.com"
    account = {"email": email, "username": email.partition("@")[0], "password": PASSWORD}
    person = post("/auth/register", None, account)["id"]
    credentials = {"email": email, "password": PASSWORD}
    return person, credentials, post("/auth/login", None, credentials)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# 16 x 16 pixels of one grey.
PICTURE = b"".join(
    (
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)),
        chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * 16) * 16)),
        chunk(b"IEND", b""),
    )
)


def picture(token, purpose):
    """The id of an upload that a profile or a group may show."""
    sha256 = base64.b64encode(hashlib.sha256(PICTURE).digest()).decode()
    body = {"kind": "image", "purpose": purpose, "name": "a.png", "type": "image/png", "size": len(PICTURE)}
    upload = post("/uploads", token, {**body, "sha256": sha256, "client_id": f"{purpose}-{RUN}-{next(people)}"})
    signed = upload["put"]
    requests.put(signed["url"], data=PICTURE, headers=signed["headers"], timeout=10).raise_for_status()
    for _ in range(100):
        answer = requests.get(f"{API}/uploads/{upload['id']}", headers={"Authorization": f"Bearer {token}"}, timeout=10)
        if answer.json()["state"] == "ready":
            break
        time.sleep(0.2)
    return upload["id"]


@schemathesis.auth(refresh_interval=600)
class Person:
    """One person for all requests but those that end sessions or accounts, in a room with another one."""

    def get(self, case, context):
        (me, _, tokens), (peer, _, peers), (third, credentials, others) = login(), login(), login()
        token = tokens["access_token"]
        room = post("/chat-rooms", token, {"participant_id": peer})["id"]
        to_room = {"room_id": room, "room_type": "private"}
        messages = [post("/messages", token, {**to_room, "content": f"message {n}"})["id"] for n in range(3)]
        group, other_group = (post("/group-rooms", token, {"name": "group"})["id"] for _ in range(2))
        invite = post(f"/group-rooms/{group}/invites", token, {})
        request = post("/friends/request", peers["access_token"], {"user_id": me})["id"]
        fields.update({"room_id": room, "participant_id": peer, "user_id": peer, "reply_to": messages[0]})
        ids.update(
            {
                "/users/{id}": peer,
                "/chat-rooms/{id}": room,
                "/friends/{id}/accept": request,
                "/friends/{id}": request,
                "/group-rooms/{id}": group,
                "DELETE /group-rooms/{id}": other_group,
                **{f"/group-rooms/{{id}}/{part}": group for part in ("join", "leave", "members", "bans", "invites")},
                **{f"/group-rooms/{{id}}/{part}/{{user_id}}": {"id": group, "user_id": peer} for part in ("members", "bans")},
                "/group-rooms/{id}/invites/{invite_id}": {"id": group, "invite_id": invite["id"]},
                "/invites/{code}": {"code": invite["code"]},
                "/invites/{code}/join": {"code": invite["code"]},
                "GET /messages/{id}": room,
                "PUT /messages/{id}": messages[1],
                "DELETE /messages/{id}": messages[2],
            }
        )
        bodies.update({"/auth/login": credentials, "/auth/refresh": {"refresh_token": others["refresh_token"]}})
        pictures.update(
            {
                "/users/me/avatar": picture(token, "avatar"),
                "/group-rooms/{id}/picture": picture(token, "group_picture"),
            }
        )
        # Nobody can write in a room of two when one of them has blocked the other.
        fields["POST /blocks"] = third
        return token

    def set(self, case, token, context):
        ends = case.operation.path in ("/auth/logout", "/auth/sessions/{id}")
        # With a picture its upload ends, which other requests name.
        deleted = ("/users/me", "/users/me/avatar", "/group-rooms/{id}/picture")
        if ends or (case.operation.path in deleted and case.operation.method.upper() == "DELETE"):
            token = login()[2]["access_token"]
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {token}"


# Letters and symbols that look like a space.
BLANK = "\u115f\u1160\u2800\u3164\uffa0"


def one_line(text):
    """Without control and invisible characters, and not blank."""
    text = "".join(letter for letter in text if unicodedata.category(letter)[0] in "LNPS" and letter not in BLANK)
    return text or "a"


def name(text):
    """Letters and digits of one script, and unique."""
    letters = "".join(letter for letter in text if letter.isascii() and letter.isalnum())
    return f"a{letters[:20]}{uuid.uuid4().hex[:12]}"


# What a text of the schema becomes so that it also keeps the rules about text.
RULES = {
    "email": lambda text: f"{name(text)}@example.com",
    "username": name,
    "display_name": lambda text: one_line(text)[:100],
    "status_message": lambda text: one_line(text)[:255],
    "name": lambda text: one_line(text)[:100],
    "description": lambda text: one_line(text)[:255],
    "content": one_line,
    "q": lambda text: one_line(text)[:50],
    "emoji": lambda text: "👍" if len(text) % 2 else "❤️",
    "attempt": lambda text: name(text)[:64],
    "password": lambda text: f"{PASSWORD} {len(text)}",
    "new_password": lambda text: f"{PASSWORD} {len(text)}",
    # The others come from the server.
    "message_type": lambda kind: "text",
}


# What belongs to the devices of each service; that of a browser would have to be an address of the stack itself.
DEVICES = {
    "fcm": {"token": "cQx1fTkzR7q:APA91bGd"},
    "apns": {"token": "0f" * 32, "environment": "development"},
}

# What a kind may be, and how large, no schema says. Of this size it goes in parts.
UPLOAD = {"kind": "file", "name": "a.bin", "size": 17_000_000, "type": "application/octet-stream"}


def is_known(value):
    """Of every two values one is replaced by something that exists."""
    return zlib.crc32(repr(value).encode()) % 2 == 0


def valid(operation, field, value):
    # The examples name the first accounts, of which one may be the caller.
    if field in fields and (is_known(value) or value in range(10)):
        return fields.get(operation, fields[field])
    if isinstance(value, float):
        # JSON Schema counts 12.0 among the integers.
        return int(value)
    return RULES[field](value) if field in RULES and isinstance(value, str) else value


def searchable(query):
    """Words that are not too short, unless a filter does without them; a kind of room with its room; a span with one end."""
    if "q" in query or not ("from" in query or "has" in query or query.get("mentions_me")):
        query["q"] = f"회의{query.get('q', '')}"
    if query.get("room_id") == fields.get("room_id") or "room_id" not in query:
        query.pop("room_type", None)
    for field in ("since", "until"):
        if field in query:
            query[field] = "2026-09-21T00:00:00+09:00"
    if "since" in query:
        query.pop("until", None)


def linkable(item):
    """A file of a person, of a group or else of a message, each with what there may be of it."""
    for place in ("user_id", "room_id"):
        if item.get(place) is not None:
            return {place: item[place], "id": item["id"], "variant": "small"}
    return {"message_id": item.get("message_id") or "66f0c3d2a1b2c3d4e5f60718", "id": item["id"]}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves wrong requests alone, and makes the others right."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    path = case.operation.path
    operation = f"{case.method} {path}"
    if isinstance(case.path_parameters, dict):
        for place in (path, operation):
            if place in ids and is_known(case.path_parameters):
                case.path_parameters = ids[place] if isinstance(ids[place], dict) else {"id": ids[place]}
    if path in bodies and case.media_type == "application/json" and is_known(case.body):
        case.body = bodies[path]
    elif isinstance(case.body, dict):
        case.body = {field: valid(operation, field, value) for field, value in case.body.items()}
        if path == "/notifications/devices/{installation}":
            platform = case.body["platform"] if case.body.get("platform") in DEVICES else "fcm"
            case.body = {"platform": platform, **DEVICES[platform]}
        if path == "/notifications/settings" and case.body.get("quiet"):
            case.body["quiet"] = {"from": "22:00", "to": "07:00", "days": [1, 7], "time_zone": "Asia/Seoul"}
        if path == "/uploads":
            case.body = {**UPLOAD, "client_id": case.body.get("client_id", "1")}
        if path == "/uploads/{id}/parts":
            case.body = {"parts": [{"number": 1, "sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}]}
        if path == "/files/links":
            case.body["items"] = [linkable(item) for item in case.body["items"]]
        if path in pictures:
            case.body = {"upload_id": pictures[path]}
            if "id" in (case.path_parameters or {}):
                # Of another group it would end with that.
                case.path_parameters = {"id": ids["/group-rooms/{id}"]}
        if path == "/messages":
            # None of these would be ready.
            case.body.pop("attachments", None)
        if case.body.get("members"):
            # Each once, and not the caller.
            case.body["members"] = [fields["user_id"]]
        if "room_id" in case.body and case.body["room_id"] == fields.get("room_id"):
            case.body["room_type"] = "private"
    if isinstance(case.query, dict):
        # A cursor is what a page before answered, and only one of three sequence numbers may be given.
        query = {field: valid(operation, field, value) for field, value in case.query.items() if field != "cursor"}
        for field in [field for field in ("before", "after", "around") if field in query][1:]:
            del query[field]
        if path == "/group-rooms" and "q" in query:
            query["scope"] = "public"
        if path == "/messages/search":
            searchable(query)
        case.query = query
