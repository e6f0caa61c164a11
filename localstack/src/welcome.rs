//! The first two accounts, and examples to paste.

use std::collections::BTreeMap;

use anyhow::Result;
use client::{Api, Person};
use stack::Urls;

/// The first accounts.
const PEOPLE: [&str; 2] = ["alice", "bob"];

/// Their password; they exist on this machine only.
pub(crate) const PASSWORD: &str = "down-the-rabbit-hole";

/// Registers them unless they exist.
pub(crate) async fn demo_users(api: &Api) -> Result<()> {
    for name in PEOPLE {
        Person::ensure(api, name, PASSWORD).await?;
    }
    Ok(())
}

/// URLs, accounts, settings that were chosen, and a conversation to paste.
pub(crate) fn text(urls: &Urls, chosen: &BTreeMap<String, String>) -> String {
    let settings: Vec<String> = chosen.iter().map(|(name, value)| shown(name, value)).collect();
    let settings = if settings.is_empty() { String::new() } else { format!("\nSettings   {}", settings.join(" ")) };
    let text = EXAMPLE.replace("{http}", &urls.http).replace("{ws}", &urls.ws).replace("{sqs}", &urls.sqs);
    text.replace("{password}", PASSWORD).replace("{settings}", &settings)
}

/// A setting without what is secret in it.
fn shown(name: &str, value: &str) -> String {
    let is_secret = name.starts_with("SECRET_") || value.contains('@');
    if is_secret { format!("{name}=...") } else { format!("{name}={value}") }
}

const EXAMPLE: &str = r#"
HTTP       {http}
WebSocket  {ws}
Pages      {http}/docs (try it: Authorize takes a login), {http}/redoc
Queues     {sqs}, for any client of SQS with the keys local, local
People     alice@example.com, bob@example.com; password {password}{settings}

A conversation to paste into a shell (curl and python3):

  API={http}
  field() { python3 -c "import json,sys; print(json.load(sys.stdin)['$1'])"; }
  post() { curl -s "$API$1" -H 'content-type: application/json' ${3:+-H "authorization: Bearer $3"} -d "$2"; }
  login() { post /auth/login "{\"email\":\"$1@example.com\",\"password\":\"{password}\"}" | field access_token; }
  guest=guest$RANDOM
  id=$(post /auth/register "{\"email\":\"$guest@example.com\",\"username\":\"$guest\",\"password\":\"{password}\"}" | field id)
  alice=$(login alice)
  room=$(post /chat-rooms "{\"participant_id\":$id}" "$alice" | field id)
  post /messages "{\"room_id\":$room,\"room_type\":\"private\",\"content\":\"hello\"}" "$alice"; echo

And in the same shell a live socket for alice, to which the guest writes after 10 s:

  ticket=$(post /auth/ticket '' "$alice"); url="$(echo "$ticket" | field url)?ticket=$(echo "$ticket" | field ticket)"
  (sleep 10; post /messages "{\"room_id\":$room,\"room_type\":\"private\",\"content\":\"hi\"}" "$(login $guest)" >/dev/null) &
  npx --yes wscat --connect "$url" --execute '{"action":"hello","id":"1","d":{"v":1,"lang":"en","cursors":{}}}' --wait 60

In the socket type, with the room's number for ROOM:

  {"action":"send","id":"2","d":{"room":"private:ROOM","client_id":"first","content":"hello from a socket"}}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn urls() -> Urls {
        let [http, ws, connections, secrets, ses, sqs, s3] =
            ["http://h", "ws://w", "http://w", "http://s", "http://m", "http://q", "http://3"].map(str::to_owned);
        Urls { http, ws, connections, secrets, ses, sqs, s3, files: None }
    }

    #[test]
    fn chosen_settings_are_shown_without_secrets() {
        let urls = urls();
        let chosen = [("LIMIT_SENDS", "5:60"), ("MYSQL_URL", "mysql://me:hush@host/chat"), ("SECRET_KEY", "hush")];

        let text = text(&urls, &chosen.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

        assert!(text.contains("\nSettings   LIMIT_SENDS=5:60 MYSQL_URL=... SECRET_KEY=...\n"), "{text}");
        assert!(!text.contains("hush"));
    }

    #[test]
    fn every_placeholder_is_filled() {
        let urls = urls();

        let text = text(&urls, &BTreeMap::new());

        assert!(!["{http}", "{ws}", "{password}", "{settings}", "Settings"].iter().any(|part| text.contains(part)));
    }
}
