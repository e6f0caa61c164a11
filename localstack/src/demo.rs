//! Three friends, their conversations and their group, for developers of clients.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use client::{Api, File, Person, file_message, group_message, message};
use serde_json::{Value, json};

use crate::welcome::PASSWORD;

/// Username, display name, status message and locale.
const PEOPLE: [(&str, &str, &str, &str); 3] = [
    ("alice", "Alice Kim", "Down the rabbit hole", "en"),
    ("bob", "Bob Park", "On call this week", "en"),
    ("minji", "김민지", "오늘도 화이팅!", "ko"),
];

/// Author, recipient, text, and the line that it replies to.
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

/// Author, recipient, and what they send.
const FILES: [(&str, &str, File<'_>); 3] = [
    (
        "alice",
        "minji",
        File {
            kind: "image",
            name: "떡볶이.jpg",
            media_type: "image/jpeg",
            bytes: include_bytes!("../../shared/media/fixtures/progressive.jpg"),
        },
    ),
    (
        "minji",
        "alice",
        File {
            kind: "voice",
            name: "voice.ogg",
            media_type: "audio/ogg",
            bytes: include_bytes!("../../shared/media/fixtures/opus.ogg"),
        },
    ),
    (
        "bob",
        "alice",
        File {
            kind: "file",
            name: "발표 자료.md",
            media_type: "text/markdown",
            bytes: "# 서버 없이 채팅하기\n".as_bytes(),
        },
    ),
];

/// The group of all three.
const GROUP: &str = "금요일 떡볶이 🌶️";

/// Author and text of what is said in it.
const GROUP_LINES: [(&str, &str); 5] = [
    ("alice", "얘들아, 금요일 저녁에 다 같이 볼까?"),
    ("minji", "좋아! 홍대 어때?"),
    ("bob", "I'm in. 7 pm?"),
    ("alice", "7 it is. 9번 출구에서 만나자."),
    ("minji", "밥, 이번엔 늦지 마 ㅋㅋㅋ"),
];

/// Creates what is missing, as three clients would; existing data stay.
pub(crate) async fn create(api: &Api) -> Result<()> {
    let mut people = BTreeMap::new();
    for (username, display_name, status_message, locale) in PEOPLE {
        let person = Person::enter(api, username, PASSWORD).await?;
        let profile = json!({ "display_name": display_name, "status_message": status_message, "locale": locale });
        person.api.put("/users/me", &profile).await?.expect(&[200])?;
        people.insert(username, person);
    }
    let named = |name: &str| people.get(name).with_context(|| format!("unknown person {name}"));
    // Mutual requests make friends.
    for (one, other) in people.values().flat_map(|one| people.values().map(move |other| (one, other))) {
        if one.id != other.id {
            one.api.post("/friends/request", &json!({ "user_id": other.id })).await?.expect(&[200, 201])?;
        }
    }
    let mut sent: Vec<Value> = Vec::new();
    for (n, (from, to, text, replies_to)) in LINES.into_iter().enumerate() {
        let (from, to) = (named(from)?, named(to)?);
        let mut message = message(from.room_with(to.id).await?, text);
        message["reply_to"] = replies_to.map(|line| sent[line]["id"].clone()).into();
        // A repeated run sends the same message.
        message["client_id"] = format!("demo-{n}").into();
        sent.push(from.api.post("/messages", &message).await?.expect(&[200, 201])?);
    }
    for (n, (from, to, file)) in FILES.iter().enumerate() {
        let (from, to) = (named(from)?, named(to)?);
        let upload = from.api.upload_ready(file, &format!("demo-file-{n}")).await?;
        let mut message = file_message(from.room_with(to.id).await?, file.kind, &[upload]);
        message["client_id"] = format!("demo-file-{n}").into();
        from.api.post("/messages", &message).await?.expect(&[200, 201])?;
    }
    let [owner, others @ ..] = PEOPLE.map(|(username, ..)| username);
    let (owner, others) = (named(owner)?, others.map(|name| named(name).map(|person| person.id)));
    let group = match owner.find_group(GROUP).await? {
        Some(group) => group,
        None => owner.make_group(GROUP, &others.into_iter().collect::<Result<Vec<_>>>()?).await?,
    };
    for (n, (from, text)) in GROUP_LINES.into_iter().enumerate() {
        let mut message = group_message(group, text);
        message["client_id"] = format!("demo-group-{n}").into();
        named(from)?.api.post("/messages", &message).await?.expect(&[200, 201])?;
    }
    Ok(())
}

/// The logins, for the terminal.
pub(crate) fn logins() -> String {
    let each =
        PEOPLE.map(|(username, display_name, ..)| format!("  {username}@example.com  {PASSWORD}  ({display_name})"));
    format!(
        "Three friends with their conversations, a picture, a voice note, a file and a group, by e-mail address and password:\n\n{}\n",
        each.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_between_two_people_and_replies_within_their_room() {
        let is_known = |name: &str| PEOPLE.iter().any(|(username, ..)| *username == name);
        for (from, to, _, replies_to) in LINES {
            assert!(is_known(from) && is_known(to) && from != to);
            let Some((other, another, ..)) = replies_to.map(|line| LINES[line]) else { continue };
            assert!([(from, to), (to, from)].contains(&(other, another)));
        }
        assert!(GROUP_LINES.iter().all(|(from, _)| is_known(from)));
    }

    #[test]
    fn demo_conversation_has_both_languages() {
        let speaks_korean = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        assert!(
            LINES.iter().any(|(.., text, _)| speaks_korean(text)) && LINES.iter().any(|(.., text, _)| text.is_ascii())
        );
        assert!(PEOPLE.iter().all(|(username, ..)| logins().contains(username)));
    }
}
