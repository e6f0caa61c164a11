//! Three friends who have talked, for whoever builds a client and wants something to show.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::welcome::PASSWORD;

/// Who they are: username, shown name, line about themselves, language.
const PEOPLE: [(&str, &str, &str, &str); 3] = [
    ("alice", "Alice Kim", "Down the rabbit hole", "en"),
    ("bob", "Bob Park", "On call this week", "en"),
    ("minji", "김민지", "오늘도 화이팅!", "ko"),
];

/// Who says what to whom, and which of the lines above it answers.
const LINES: [(&str, &str, &str, Option<usize>); 12] = [
    ("alice", "minji", "민지야 안녕! 오늘 저녁에 시간 돼?", None),
    ("minji", "alice", "안녕 앨리스 😄 응, 7시 이후면 괜찮아.", Some(0)),
    ("alice", "minji", "Great, let's meet at 홍대입구역, exit 9.", Some(1)),
    ("minji", "alice", "좋아! 밥도 안 먹었고... 떡볶이 어때?", Some(2)),
    ("alice", "minji", "Yes please. I have been dreaming of it all week.", None),
    ("minji", "alice", "ㅋㅋㅋ 그럼 이따 봐~", None),
    ("bob", "alice", "Did the deploy go out?", None),
    ("alice", "bob", "Yes, an hour ago. p99 is down to 18 ms.", Some(6)),
    ("bob", "alice", "수고했어! 👏", Some(7)),
    ("minji", "bob", "밥, 다음 주 발표 자료 봤어?", None),
    ("bob", "minji", "Not yet, I'll read it tonight.", Some(9)),
    ("bob", "minji", "제목이 마음에 들어: \"서버 없이 채팅하기\".", None),
];

/// Makes what is missing of them, as three clients would; what is there already stays as it is.
pub(crate) async fn make(http: &str) -> Result<()> {
    let mut people = BTreeMap::new();
    for (username, display_name, status_message, locale) in PEOPLE {
        let person = Person::enter(http, username).await?;
        let profile = json!({ "display_name": display_name, "status_message": status_message, "locale": locale });
        person.call(Method::PUT, "/users/me", profile).await?;
        people.insert(username, person);
    }
    let named = |name: &str| people.get(name).with_context(|| format!("{name} is none of them"));
    // Who is asked and asks as well is a friend.
    for (one, other) in people.values().flat_map(|one| people.values().map(move |other| (one, other))) {
        if one.id != other.id {
            one.call(Method::POST, "/friends/request", json!({ "user_id": other.id })).await?;
        }
    }
    let mut said: Vec<Value> = Vec::new();
    for (n, (from, to, text, answers)) in LINES.into_iter().enumerate() {
        let (from, to) = (named(from)?, named(to)?);
        let room = from.call(Method::POST, "/chat-rooms", json!({ "participant_id": to.id })).await?;
        let message = json!({
            "room_id": room["id"],
            "room_type": "private",
            "content": text,
            "reply_to": answers.map(|line| &said[line]["id"]),
            // The same line another time is the same message.
            "client_id": format!("demo-{n}"),
        });
        said.push(from.call(Method::POST, "/messages", message).await?);
    }
    Ok(())
}

/// What to log in with.
pub(crate) fn logins() -> String {
    let each =
        PEOPLE.map(|(username, display_name, ..)| format!("  {username}@example.com  {PASSWORD}  ({display_name})"));
    format!("Three friends who have talked, by e-mail address and password:\n\n{}\n", each.join("\n"))
}

struct Person {
    http: Client,
    url: String,
    token: String,
    id: i64,
}

impl Person {
    /// Signs up, or finds that somebody has, and logs in.
    async fn enter(url: &str, username: &str) -> Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(30)).build()?;
        let mut person = Self { http, url: url.to_owned(), token: String::new(), id: 0 };
        let email = format!("{username}@example.com");
        let account = json!({ "email": email, "username": username, "password": PASSWORD });
        let answer = person.http.post(format!("{url}/auth/register")).json(&account).send().await?;
        ensure!([201, 409].contains(&answer.status().as_u16()), "{username}: {}", answer.text().await?);
        let tokens = person.call(Method::POST, "/auth/login", json!({ "email": email, "password": PASSWORD })).await?;
        tokens["access_token"].as_str().context("a login gives a token")?.clone_into(&mut person.token);
        person.id = person.call(Method::GET, "/users/me", Value::Null).await?["id"].as_i64().context("an id")?;
        Ok(person)
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_between_two_of_them_and_answers_one_of_the_same_two() {
        let is_one = |name: &str| PEOPLE.iter().any(|(username, ..)| *username == name);
        for (from, to, _, answers) in LINES {
            assert!(is_one(from) && is_one(to) && from != to);
            let Some((other, another, ..)) = answers.map(|line| LINES[line]) else { continue };
            assert!([(from, to), (to, from)].contains(&(other, another)));
        }
    }

    #[test]
    fn they_speak_both_languages() {
        let speaks_korean = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        assert!(
            LINES.iter().any(|(.., text, _)| speaks_korean(text)) && LINES.iter().any(|(.., text, _)| text.is_ascii())
        );
        assert!(PEOPLE.iter().all(|(username, ..)| logins().contains(username)));
    }
}
