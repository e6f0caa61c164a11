//! The authorization table: who may do what, on every route there is.

mod checks;

use crate::scene::{Aim, small_file};
use e2e::room_name;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// A status, and the code of a refusal.
pub(crate) type Outcome = (u16, &'static str);

const OK: Outcome = (200, "");
const MADE: Outcome = (201, "");
const ACCEPTED: Outcome = (202, "");
const DONE: Outcome = (204, "");
const WHO: Outcome = (401, "unauthenticated");
const NO_REFRESH: Outcome = (401, "refresh_token_invalid");
const NO_LOGIN: Outcome = (401, "invalid_credentials");
const NO_TOKEN: Outcome = (403, "mail_token_invalid");
const NOT_YOURS: Outcome = (403, "not_author");
const NOT_PERMITTED: Outcome = (403, "not_permitted");
const NO_MEMBER: Outcome = (404, "member_not_found");
const OWNS_IT: Outcome = (409, "owner_must_transfer");
const NOT_ASKED: Outcome = (403, "not_addressee");
const CLOSED: Outcome = (403, "recipient_unavailable");
const NO_PERSON: Outcome = (404, "user_not_found");
const NO_ROOM: Outcome = (404, "room_not_found");
const NO_MESSAGE: Outcome = (404, "message_not_found");
const NO_SESSION: Outcome = (404, "session_not_found");
const NO_UPLOAD: Outcome = (404, "upload_not_found");
const NO_DEVICE: Outcome = (404, "device_not_found");
const NO_FRIEND: Outcome = (404, "friendship_not_found");
/// A request about the caller's own account, or of no sense for what it names.
const ONESELF: Outcome = (422, "invalid_fields");
const NO_PICTURE: Outcome = (422, "invalid_fields");

/// The id of an upload that nobody has.
const UNKNOWN_UPLOAD: &str = "00000000000000000000000000000000";

/// A route, a request, and its outcomes in the order of `PERSONAS`.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    outcomes: [Outcome; 7],
    /// Whether it changes data of other rows, and needs a scene of its own.
    alone: bool,
}

impl Row {
    /// Whether the route needs a login.
    pub(crate) fn is_guarded(&self) -> bool {
        self.outcomes[0] == WHO
    }

    /// The outcome for the other member.
    pub(crate) fn outcome_of_other(&self) -> Outcome {
        self.outcomes[3]
    }

    fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// The same outcome for everyone.
const fn open(outcome: Outcome) -> [Outcome; 7] {
    [outcome; 7]
}

/// The outcomes of a route that needs a login: a stranger, the author, the other member, and the person the author blocked.
const fn guarded([stranger, author, other, blocked]: [Outcome; 4]) -> [Outcome; 7] {
    [WHO, stranger, author, other, blocked, WHO, WHO]
}

/// A row whose path is its route unless it says otherwise.
fn row(method: &'static str, path: &str, route: &'static str, body: Option<Value>, outcomes: [Outcome; 7]) -> Row {
    let path = if path.is_empty() { route } else { path }.to_owned();
    Row { method, route, path, body, outcomes, alone: false }
}

/// The table, for requests with these targets; rows that share a scene run in this order.
pub(crate) fn routes(aim: &Aim) -> Vec<Row> {
    let mut rows = login_routes(aim);
    rows.extend(group_routes(aim));
    rows.extend(notification_routes(aim));
    rows.extend(upload_routes(aim));
    rows.extend(user_routes(aim));
    rows.extend(other_routes(aim));
    rows.extend(open_routes());
    rows
}

/// Accounts, logins and mails.
fn login_routes(aim: &Aim) -> Vec<Row> {
    let Aim { session, email, refresh_token, .. } = aim;
    // An invalid registration shows that the route is open to everyone.
    let account = json!({"email": "not an address", "username": "", "password": ""});
    let login = json!({"email": email, "password": e2e::PASSWORD});
    let password = json!({"current_password": e2e::PASSWORD, "new_password": "another horse battery"});
    vec![
        row("POST", "", "/auth/register", Some(account), open((422, "invalid_fields"))),
        row("POST", "", "/auth/login", Some(login), [OK, OK, OK, OK, OK, OK, NO_LOGIN]),
        row(
            "POST",
            "",
            "/auth/refresh",
            Some(json!({"refresh_token": refresh_token})),
            [NO_REFRESH, OK, OK, OK, OK, NO_REFRESH, NO_REFRESH],
        ),
        row("POST", "", "/auth/logout", None, guarded([DONE; 4])).alone(),
        row("PUT", "", "/auth/password", Some(password), guarded([DONE; 4])).alone(),
        row("POST", "", "/auth/ticket", None, guarded([MADE; 4])),
        row("POST", "", "/auth/verify-email/request", None, guarded([ACCEPTED; 4])),
        // Tokens are in mails alone; an invalid one shows who is asked for one.
        row("POST", "", "/auth/verify-email", Some(json!({"token": "none"})), guarded([NO_TOKEN; 4])),
        row("POST", "", "/auth/password-reset/request", Some(json!({"email": email})), open(ACCEPTED)),
        row(
            "POST",
            "",
            "/auth/password-reset",
            Some(json!({"token": "none", "new_password": "another horse battery"})),
            open(NO_TOKEN),
        ),
        row("GET", "", "/auth/sessions", None, guarded([OK; 4])),
        row(
            "DELETE",
            &format!("/auth/sessions/{session}"),
            "/auth/sessions/{id}",
            None,
            guarded([NO_SESSION, DONE, NO_SESSION, NO_SESSION]),
        ),
    ]
}

/// Settings and devices, which are each person's own.
fn notification_routes(aim: &Aim) -> Vec<Row> {
    let (room, device) = (aim.room, "/notifications/devices/5f0c9d1e-7a3b-4c2d-9e8f-0123456789ab");
    let settings = json!({
        "level": "all", "large_room_level": "mentions", "preview": "full", "friend_requests": true, "wide": true,
    });
    let (in_room, of_room) =
        (format!("/notifications/rooms/private/{room}"), "/notifications/rooms/{room_type}/{room_id}");
    let phone = json!({"platform": "fcm", "token": "cQx1fTkzR7q:APA91bGd"});
    let test = json!({"installation": "5f0c9d1e-7a3b-4c2d-9e8f-0123456789ab"});
    vec![
        row("GET", "", "/notifications/settings", None, guarded([OK; 4])),
        row("PUT", "", "/notifications/settings", Some(settings), guarded([OK; 4])),
        row("GET", "", "/notifications/rooms", None, guarded([OK; 4])),
        row("GET", &in_room, of_room, None, guarded([NO_ROOM, OK, OK, OK])),
        row(
            "PUT",
            &in_room,
            of_room,
            Some(json!({"muted_until": "2036-11-27T00:00:00Z"})),
            guarded([NO_ROOM, OK, OK, OK]),
        ),
        row("DELETE", &in_room, of_room, None, guarded([NO_ROOM, DONE, DONE, DONE])),
        row("GET", "", "/notifications/devices", None, guarded([OK; 4])),
        row("PUT", device, "/notifications/devices/{installation}", Some(phone), guarded([MADE; 4])),
        row("DELETE", device, "/notifications/devices/{installation}", None, guarded([DONE; 4])),
        row("GET", "", "/notifications/webpush", None, guarded([OK; 4])),
        row("POST", "", "/notifications/test", Some(test), guarded([NO_DEVICE; 4])),
    ]
}

/// Uploads, which are known to their owners alone.
fn upload_routes(Aim { upload, message, .. }: &Aim) -> Vec<Row> {
    // Another one for each request.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let file = small_file(&NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
    let id = format!("/uploads/{upload}");
    let parts = json!({"parts": [{"number": 1, "sha256": file["sha256"]}]});
    let links = json!({"items": [{"message_id": message, "id": upload}]});
    let hidden = |outcome| guarded([NO_UPLOAD, outcome, NO_UPLOAD, NO_UPLOAD]);
    vec![
        row("POST", "", "/uploads", Some(file), guarded([MADE; 4])),
        row("GET", &id, "/uploads/{id}", None, hidden(OK)),
        // A file of one byte has no parts, and has not arrived.
        row("POST", &format!("{id}/parts"), "/uploads/{id}/parts", Some(parts), hidden(ONESELF)),
        row("POST", &format!("{id}/complete"), "/uploads/{id}/complete", None, hidden((409, "upload_incomplete"))),
        row("DELETE", &id, "/uploads/{id}", None, hidden(DONE)),
        // What one may not read has no link, as what is not there.
        row("POST", "", "/files/links", Some(links), guarded([OK; 4])),
    ]
}

fn user_routes(Aim { person, username, .. }: &Aim) -> Vec<Row> {
    let search = format!("/users/search?q={username}");
    vec![
        row("GET", "", "/users/me", None, guarded([OK; 4])),
        row("PUT", "", "/users/me", Some(json!({"status_message": "hi"})), guarded([OK; 4])),
        row("DELETE", "", "/users/me", Some(json!({"password": e2e::PASSWORD})), guarded([ACCEPTED; 4])).alone(),
        row("PUT", "", "/users/me/avatar", Some(json!({"upload_id": UNKNOWN_UPLOAD})), guarded([NO_PICTURE; 4])),
        row("DELETE", "", "/users/me/avatar", None, guarded([DONE; 4])),
        row("GET", "", "/users/me/export", None, guarded([OK; 4])),
        row("GET", &search, "/users/search", None, guarded([OK; 4])),
        row("GET", &format!("/users/{person}"), "/users/{id}", None, guarded([OK, OK, OK, NO_PERSON])),
    ]
}

fn other_routes(aim: &Aim) -> Vec<Row> {
    let Aim { room, message, friendship, person, .. } = aim;
    let sent = json!({"room_id": room, "room_type": "private", "content": "hi"});
    let read = json!({"room_id": room, "room_type": "private", "seq": 1});
    let them = || Some(json!({"user_id": person}));
    let (message, friend) = (format!("/messages/{message}"), format!("/friends/{friendship}"));
    let sync = format!("/messages/sync?room_id={room}&after_rev=0");
    let search = format!("/messages/search?q=hi&room_id={room}");
    vec![
        row("GET", "", "/friends", None, guarded([OK; 4])),
        row("GET", "", "/friends/requests", None, guarded([OK; 4])),
        // A request that a block has ended is already rejected.
        row(
            "PUT",
            &format!("{friend}/accept"),
            "/friends/{id}/accept",
            None,
            guarded([NO_FRIEND, NOT_ASKED, OK, NO_FRIEND]),
        )
        .alone(),
        row("PUT", &format!("{friend}/reject"), "/friends/{id}/reject", None, guarded([NO_FRIEND, NOT_ASKED, OK, OK]))
            .alone(),
        row("POST", "", "/friends/request", them(), guarded([MADE, ONESELF, OK, NO_PERSON])),
        row("DELETE", &friend, "/friends/{id}", None, guarded([NO_FRIEND, DONE, DONE, DONE])),
        row("GET", "", "/blocks", None, guarded([OK; 4])),
        row("POST", "", "/blocks", them(), guarded([MADE, ONESELF, MADE, MADE])).alone(),
        row("DELETE", &format!("/blocks/{person}"), "/blocks/{user_id}", None, guarded([DONE; 4])),
        row("GET", "", "/chat-rooms", None, guarded([OK; 4])),
        row(
            "POST",
            "",
            "/chat-rooms",
            Some(json!({"participant_id": person})),
            guarded([MADE, ONESELF, OK, NO_PERSON]),
        ),
        row("GET", &format!("/chat-rooms/{room}"), "/chat-rooms/{id}", None, guarded([NO_ROOM, OK, OK, OK])),
        row("POST", "", "/messages", Some(sent), guarded([NO_ROOM, MADE, MADE, CLOSED])),
        row(
            "PUT",
            &message,
            "/messages/{id}",
            Some(json!({"content": "changed"})),
            guarded([NO_MESSAGE, OK, NOT_YOURS, CLOSED]),
        ),
        row(
            "POST",
            &format!("{message}/forward"),
            "/messages/{id}/forward",
            Some(json!({"room_id": room, "room_type": "private"})),
            guarded([NO_MESSAGE, MADE, MADE, CLOSED]),
        ),
        row("GET", &format!("{message}/history"), "/messages/{id}/history", None, guarded([NO_MESSAGE, OK, OK, OK])),
        row("GET", &format!("{message}/replies"), "/messages/{id}/replies", None, guarded([NO_MESSAGE, OK, OK, OK])),
        row("GET", &format!("/messages/{room}"), "/messages/{id}", None, guarded([NO_ROOM, OK, OK, OK])),
        row("GET", &sync, "/messages/sync", None, guarded([NO_ROOM, OK, OK, OK])),
        row("GET", &search, "/messages/search", None, guarded([NO_ROOM, OK, OK, OK])),
        row("GET", "", "/messages/unread", None, guarded([OK; 4])),
        row("GET", "", "/messages/unread/total", None, guarded([OK; 4])),
        row(
            "GET",
            &format!("/messages/receipts?room_id={room}"),
            "/messages/receipts",
            None,
            guarded([NO_ROOM, OK, OK, OK]),
        ),
        row("GET", &format!("{message}/receipts"), "/messages/{id}/receipts", None, guarded([NO_MESSAGE, OK, OK, OK])),
        row(
            "PUT",
            &format!("{message}/reactions"),
            "/messages/{id}/reactions",
            Some(json!({"emoji": "👍"})),
            guarded([NO_MESSAGE, OK, OK, CLOSED]),
        ),
        row(
            "GET",
            &format!("{message}/reactions"),
            "/messages/{id}/reactions",
            None,
            guarded([NO_MESSAGE, OK, OK, OK]),
        ),
        row(
            "DELETE",
            &format!("{message}/reactions?emoji=%F0%9F%91%8D"),
            "/messages/{id}/reactions",
            None,
            guarded([NO_MESSAGE, OK, OK, OK]),
        ),
        row("PUT", &format!("{message}/pin"), "/messages/{id}/pin", None, guarded([NO_MESSAGE, OK, OK, CLOSED])),
        row("GET", &format!("/messages/pins?room_id={room}"), "/messages/pins", None, guarded([NO_ROOM, OK, OK, OK])),
        row("DELETE", &format!("{message}/pin"), "/messages/{id}/pin", None, guarded([NO_MESSAGE, OK, OK, CLOSED])),
        row("POST", "", "/messages/read", Some(read), guarded([NO_ROOM, OK, OK, OK])),
        row("DELETE", &message, "/messages/{id}", None, guarded([NO_MESSAGE, OK, NOT_YOURS, OK])),
        row(
            "PUT",
            &format!("{message}/hidden"),
            "/messages/{id}/hidden",
            None,
            guarded([NO_MESSAGE, DONE, DONE, DONE]),
        ),
    ]
}

fn open_routes() -> Vec<Row> {
    vec![
        row("GET", "", "/health", None, open(OK)),
        row("GET", "", "/health/ready", None, open(OK)),
        row("GET", "", "/openapi.json", None, open(OK)),
        row("GET", "", "/asyncapi.json", None, open(OK)),
        row("GET", "", "/docs", None, open(OK)),
        row("GET", "", "/redoc", None, open(OK)),
        row("GET", "/docs/assets/redoc.standalone.js", "/docs/assets/{name}", None, open(OK)),
    ]
}

/// The routes of groups. The author owns the group, and nobody else is in it; `group_rights.rs` has its members and those who were.
fn group_routes(Aim { person, group, invite, code, .. }: &Aim) -> Vec<Row> {
    let of_group = |part: &str| format!("/group-rooms/{group}{part}");
    let them_in = |part: &str| format!("/group-rooms/{group}/{part}/{person}");
    let them = || Some(json!({"user_id": person}));
    let hidden = |outcome| guarded([NO_ROOM, outcome, NO_ROOM, NO_ROOM]);
    let (description, role) = (json!({"description": "hi"}), json!({"role": "member"}));
    let picture = json!({"upload_id": UNKNOWN_UPLOAD});
    vec![
        row("GET", "", "/group-rooms", None, guarded([OK; 4])),
        row("POST", "", "/group-rooms", Some(json!({"name": "hiking"})), guarded([MADE; 4])),
        row("GET", &of_group(""), "/group-rooms/{id}", None, hidden(OK)),
        row("PUT", &of_group(""), "/group-rooms/{id}", Some(description), hidden(OK)),
        row("PUT", &of_group("/picture"), "/group-rooms/{id}/picture", Some(picture), hidden(NO_PICTURE)),
        row("DELETE", &of_group("/picture"), "/group-rooms/{id}/picture", None, hidden(DONE)),
        row("POST", &of_group("/join"), "/group-rooms/{id}/join", None, hidden(OK)),
        row("POST", &of_group("/leave"), "/group-rooms/{id}/leave", None, hidden(OWNS_IT)),
        row("POST", &of_group("/transfer"), "/group-rooms/{id}/transfer", them(), hidden(OK)),
        row("GET", &of_group("/members"), "/group-rooms/{id}/members", None, hidden(OK)),
        row("POST", &of_group("/members"), "/group-rooms/{id}/members", them(), hidden(OK)),
        row("PUT", &them_in("members"), "/group-rooms/{id}/members/{user_id}", Some(role), hidden(NOT_PERMITTED)),
        row("DELETE", &them_in("members"), "/group-rooms/{id}/members/{user_id}", None, hidden(NOT_PERMITTED)),
        row("GET", &of_group("/bans"), "/group-rooms/{id}/bans", None, hidden(OK)),
        row("PUT", &them_in("bans"), "/group-rooms/{id}/bans/{user_id}", None, hidden(NOT_PERMITTED)),
        row("DELETE", &them_in("bans"), "/group-rooms/{id}/bans/{user_id}", None, hidden(NO_MEMBER)),
        row("GET", &of_group("/invites"), "/group-rooms/{id}/invites", None, hidden(OK)),
        row("POST", &of_group("/invites"), "/group-rooms/{id}/invites", Some(json!({"max_uses": 5})), hidden(MADE)),
        row("GET", &format!("/invites/{code}"), "/invites/{code}", None, guarded([OK; 4])),
        row("POST", &format!("/invites/{code}/join"), "/invites/{code}/join", None, guarded([OK; 4])).alone(),
        row(
            "DELETE",
            &of_group(&format!("/invites/{invite}")),
            "/group-rooms/{id}/invites/{invite_id}",
            None,
            hidden(DONE),
        )
        .alone(),
        row("DELETE", &of_group(""), "/group-rooms/{id}", None, hidden(DONE)).alone(),
    ]
}

/// Actions and their outcomes for a stranger, the author, the other member and the blocked person, in the order in which they
/// run: the answer's `t`, or the code of an error.
fn actions(aim: &Aim) -> Vec<(&'static str, Value, [&'static str; 4])> {
    let (room, id) = (room_name(aim.room), &aim.message);
    let hidden = "message_not_found";
    vec![
        ("hello", json!({"v": 1, "cursors": {&room: 0}}), ["ready"; 4]),
        (
            "send",
            json!({"room": room, "client_id": "1", "content": "hi"}),
            ["room_not_found", "ack", "ack", "recipient_unavailable"],
        ),
        ("edit", json!({"id": id, "content": "new"}), [hidden, "ack", "not_author", "recipient_unavailable"]),
        ("react", json!({"id": id, "emoji": "👍"}), [hidden, "ack", "ack", "recipient_unavailable"]),
        ("read", json!({"room": room, "seq": 1}), ["room_not_found", "ack", "ack", "ack"]),
        ("delivered", json!({"room": room, "seq": 1}), ["room_not_found", "ack", "ack", "ack"]),
        // Who may tell nobody learns nothing of it.
        ("typing", json!({"room": room, "on": true}), ["ack"; 4]),
        ("state", json!({"active": true, "room": room}), ["ack"; 4]),
        ("sync", json!({"room": room, "after_rev": 0}), ["room_not_found", "sync", "sync", "sync"]),
        ("delete", json!({"id": id}), [hidden, "ack", "not_author", "ack"]),
        ("ping", json!({}), ["pong"; 4]),
        ("$default", json!({}), ["unknown_action"; 4]),
    ]
}
