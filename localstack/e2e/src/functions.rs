//! The HTTP functions, as the tests of the whole compare them with each other, with the template and with their sample events.

use domain::{GroupAct, Locale, Role};
use std::borrow::Cow;
use strum::IntoEnumIterator as _;
use utoipa::openapi::OpenApi;

/// A function with HTTP routes.
pub struct HttpFunction {
    /// Its folder, crate and tag.
    pub name: &'static str,
    /// What its tag says in the API's document.
    pub about: Cow<'static, str>,
    /// Which of our crates it may use.
    pub uses: Vec<&'static str>,
    /// Its routes.
    pub openapi: OpenApi,
    /// The answer to its sample event.
    pub sample: Sample,
}

/// What the answer to a sample event has: a status, and fields of its body by JSON pointer.
pub struct Sample {
    /// The HTTP status.
    pub status: u16,
    /// Where in the body which text is.
    pub fields: &'static [(&'static str, &'static str)],
}

/// What a function of people or rooms uses.
const PEOPLE: &[&str] =
    &["backend", "background", "boot", "contract", "credentials", "domain", "mongo", "mysql", "projection", "web"];

/// What every function of messages uses.
const MESSAGES: &[&str] =
    &["announce", "background", "boot", "contract", "credentials", "domain", "messaging", "mongo", "queue", "realtime"];

/// What the one behind a door uses.
pub fn messages_behind(door: &'static str) -> Vec<&'static str> {
    and(MESSAGES, door)
}

/// These and one more.
fn and(uses: &[&'static str], more: &'static str) -> Vec<&'static str> {
    uses.iter().copied().chain([more]).collect()
}

/// The answer to a request without a token.
const UNAUTHENTICATED: Sample = Sample { status: 401, fields: &[("/code", "unauthenticated")] };

/// Every function with HTTP routes, in the order of the API's document.
pub fn http_functions() -> Vec<HttpFunction> {
    vec![
        HttpFunction {
            name: "auth",
            about: "Registration, sessions and tokens.".into(),
            uses: and(PEOPLE, "mail"),
            openapi: auth::routes().into_openapi(),
            sample: Sample { status: 201, fields: &[("/username", "haneul"), ("/display_name", "하늘")] },
        },
        HttpFunction {
            name: "users",
            about: "The caller's account, profiles and search.".into(),
            uses: and(PEOPLE, "presence"),
            openapi: users::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "friends",
            about: "Friends and friend requests.".into(),
            uses: and(PEOPLE, "presence"),
            openapi: friends::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "blocks",
            about: "The caller's block list.".into(),
            uses: PEOPLE.to_vec(),
            openapi: blocks::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "chat-rooms",
            about: "Rooms of two people.".into(),
            uses: PEOPLE.to_vec(),
            openapi: chat_rooms::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "group-rooms",
            about: format!("Groups, their members, bans and invites. Who may do what:\n\n{}", group_rights()).into(),
            uses: PEOPLE.to_vec(),
            openapi: group_rooms::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "messages",
            about: "The messages of a room. `/asyncapi.json` describes them over WebSocket.".into(),
            uses: messages_behind("web"),
            openapi: messages::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "notifications",
            about: "What the caller is notified of, and the devices that show it.".into(),
            uses: vec!["boot", "contract", "credentials", "domain", "mongo", "push", "queue", "web"],
            openapi: notifications::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "uploads",
            about: "Files: they are uploaded first, and then sent with a message.".into(),
            uses: vec!["boot", "contract", "credentials", "domain", "files", "messaging", "mongo", "web"],
            openapi: uploads::routes().into_openapi(),
            sample: UNAUTHENTICATED,
        },
        HttpFunction {
            name: "health",
            about: "Liveness and readiness.".into(),
            uses: vec!["boot", "contract", "domain", "mongo", "mysql", "web"],
            openapi: health::routes().into_openapi(),
            sample: Sample { status: 200, fields: &[("/status", "ok")] },
        },
        HttpFunction {
            name: "docs",
            about: "The documents of the API, and pages to read and try it.".into(),
            uses: vec!["boot", "domain", "web"],
            openapi: docs::routes().into_openapi(),
            sample: Sample { status: 200, fields: &[("/info/title", "BigTech Chat")] },
        },
    ]
}

/// Who may do what in a group, as a table in Markdown.
pub fn group_rights() -> String {
    let row = |act: GroupAct| {
        let may = [Role::Member, Role::Admin, Role::Owner].map(|role| if role.may(act).is_ok() { "yes" } else { "" });
        format!("| {} | {} |\n", act.title(Locale::En), may.join(" | "))
    };
    let head = "| | member | admin | owner |\n|---|---|---|---|\n".to_owned();
    [head].into_iter().chain(GroupAct::iter().map(row)).collect()
}
