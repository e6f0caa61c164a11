//! Whom a text calls by `@`.

use crate::{
    Limit, RoomKind, UserId,
    text::{category, fold, is_letter},
};
use icu_properties::props::GeneralCategory;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use strum::{EnumString, IntoStaticStr};
use unicode_script::{Script, UnicodeScript as _};

/// How many people one message can mention. Further names stay plain text.
pub const MOST_MENTIONS: usize = 50;

/// How many members a group may have in which everybody may mention all of them, whatever the group says.
pub const SMALL_GROUP: usize = 20;

/// How often a group may be called by `@channel`, in sixtieths: three times at once, and three times in ten minutes.
pub const CHANNEL_LIMIT: Limit = Limit { burst: 180, per_minute: 18 };

/// How many sixtieths one `@channel` takes.
pub const CHANNEL_COST: u32 = 60;

/// How many readings of the names in one text are looked up.
const MOST_READINGS: usize = 500;
/// The bounds of usernames in characters, and the longest folded one.
const SHORTEST_NAME: usize = 2;
const LONGEST_NAME: usize = 50;
const LONGEST_FOLD: usize = 100;

/// Whom a message mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Members whom the text names, in the order of the text.
    pub people: Vec<UserId>,
    /// All members at once.
    pub all: Option<MentionsAll>,
}

/// A word that mentions all members at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum MentionsAll {
    /// `@here`: the members who are connected.
    Here,
    /// `@channel`: every member.
    Channel,
}

impl MentionsAll {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who may mention all members of a large group at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum WideMentions {
    /// Admins and the owner.
    #[default]
    Admins,
    /// Every member.
    Everyone,
}

impl WideMentions {
    /// The word on the wire and in the stores.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The names that a text calls by `@`, before it is known who is in the room.
///
/// A name begins after an `@` that follows neither a character of a name nor `@` or `/`: mail addresses, links and addresses of
/// other services call nobody. It ends before the first character that no username has. As `@minji.` and `@민지님은` call
/// `minji` and `민지`, a name has several readings, of which the longest that is a member's counts: all of it, and each beginning
/// that ends before `_ . -`, or before a letter where one of the two letters is of a script that writes words together, Korean
/// particles among them. So `@minjikim` never calls `minji`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls(Vec<Vec<String>>);

impl Calls {
    /// The names in a text.
    pub fn in_text(text: &str) -> Self {
        let (mut calls, mut seen, mut left) = (Vec::new(), HashSet::new(), MOST_READINGS);
        for (at, _) in text.match_indices('@') {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| is_of_name(c) || matches!(c, '@' | '/')) {
                continue;
            }
            let rest = &text[at + 1..];
            let name = &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())];
            if rest[name.len()..].starts_with('@') || !seen.insert(name) {
                continue;
            }
            let readings = readings_of(name);
            if readings.len() > left {
                break;
            }
            left -= readings.len();
            if !readings.is_empty() {
                calls.push(readings);
            }
        }
        Self(calls)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every reading of every name, as usernames are compared: who has them is asked of the store.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.iter().flatten().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The word by which the text mentions all members: only in a group, elsewhere `@here` and `@channel` are names like any. A name
    /// that merely begins so is a name where somebody has it.
    pub fn all(&self, known: &HashMap<String, UserId>, room: RoomKind) -> Option<MentionsAll> {
        match room {
            RoomKind::Private => None,
            RoomKind::Group => self.0.iter().filter_map(|readings| word(readings, known)).max(),
        }
    }

    /// Whom the text mentions, of those who are in the room as it is sent.
    pub fn resolve(&self, known: &HashMap<String, UserId>, members: &[UserId], room: RoomKind) -> Mentions {
        let mut mentions = Mentions { people: Vec::new(), all: self.all(known, room) };
        for readings in &self.0 {
            if room == RoomKind::Group && word(readings, known).is_some() {
                continue;
            }
            let member = |reading| known.get(reading).filter(|user| members.contains(user));
            let user = readings.iter().find_map(member);
            mentions
                .people
                .extend(user.filter(|user| mentions.people.len() < MOST_MENTIONS && !mentions.people.contains(user)));
        }
        mentions
    }
}

/// The word that a call is, unless somebody has a longer name.
fn word(readings: &[String], known: &HashMap<String, UserId>) -> Option<MentionsAll> {
    let is_name_or_word = |reading: &&String| known.contains_key(*reading) || reading.parse::<MentionsAll>().is_ok();
    readings.iter().find(is_name_or_word)?.parse().ok()
}

fn is_of_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || is_separator(c);
    }
    is_letter(c) || is_mark(c) || category(c) == GeneralCategory::DecimalNumber
}

fn is_separator(c: char) -> bool {
    matches!(c, '_' | '.' | '-')
}

fn is_mark(c: char) -> bool {
    matches!(category(c), GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

/// What may be the username in what follows an `@`, the longest first.
fn readings_of(name: &str) -> Vec<String> {
    let chars: Vec<(usize, char)> = name.char_indices().take(LONGEST_NAME + 1).collect();
    let may_end = |length: &usize| {
        let next = chars.get(*length).map(|(_, next)| *next);
        next.is_none_or(|next| may_part(chars[length - 1].1, next))
    };
    let end_of = |length: usize| chars.get(length).map_or(name.len(), |(at, _)| *at);
    (SHORTEST_NAME..=chars.len().min(LONGEST_NAME))
        .rev()
        .filter(may_end)
        .map(|length| fold(&name[..end_of(length)]))
        .filter(|key| key.chars().count() <= LONGEST_FOLD)
        .collect()
}

/// Whether a name may end between two of its characters.
fn may_part(last: char, next: char) -> bool {
    is_separator(next) || is_letter(next) && (is_written_together(last) || is_written_together(next))
}

/// Whether the letter is of a script that writes particles or whole sentences without spaces.
fn is_written_together(c: char) -> bool {
    matches!(
        c.script(),
        Script::Hangul
            | Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Bopomofo
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
            | Script::Tibetan
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINJI: UserId = UserId(1);
    const MINJI_KO: UserId = UserId(2);
    const TARO: UserId = UserId(3);
    const DOTTED: UserId = UserId(4);
    const HERE: UserId = UserId(5);
    const STRANGER: UserId = UserId(9);
    const MEMBERS: [UserId; 5] = [MINJI, MINJI_KO, TARO, DOTTED, HERE];

    fn known() -> HashMap<String, UserId> {
        let names = [
            ("minji", MINJI),
            ("민지", MINJI_KO),
            ("太郎", TARO),
            ("a.b", DOTTED),
            ("here", HERE),
            ("stranger", STRANGER),
            ("민지님", STRANGER),
        ];
        names.map(|(name, user)| (name.to_owned(), user)).into()
    }

    fn called(text: &str) -> Vec<UserId> {
        Calls::in_text(text).resolve(&known(), &MEMBERS, RoomKind::Private).people
    }

    #[test]
    fn name_is_found_whatever_follows_it() {
        for (text, user) in [
            ("@minji", MINJI),
            ("(@minji)", MINJI),
            ("hi @MinJi, look", MINJI),
            ("@minji.", MINJI),
            ("@minji... @", MINJI),
            ("@minji's", MINJI),
            ("@minji님", MINJI),
            ("@ｍｉｎｊｉ", MINJI),
            ("@민지", MINJI_KO),
            ("@민지님은 어디?", MINJI_KO),
            ("@민지!", MINJI_KO),
            ("@민지hello", MINJI_KO),
            ("줄\n@민지에게", MINJI_KO),
            ("@太郎さん、こんにちは", TARO),
            ("@a.b.", DOTTED),
        ] {
            assert_eq!(called(text), [user], "{text}");
        }
    }

    #[test]
    fn text_without_a_mention_mentions_nobody() {
        for text in [
            "minji",
            "@",
            "@ minji",
            "a@minji",
            "a.b@minji.com",
            "민지@minji",
            "@minji@example.com",
            "https://example.com/@minji",
            "@minjikim",
            "@minji2",
            "@minj",
            "@민지2",
            "@stranger",
            "@@minji",
        ] {
            assert_eq!(called(text), [], "{text}");
        }
    }

    #[test]
    fn longest_name_that_is_a_members_counts() {
        let calls = Calls::in_text("@민지님");
        let of = |members: &[UserId]| calls.resolve(&known(), members, RoomKind::Private).people;

        assert_eq!(of(&[MINJI_KO, STRANGER]), [STRANGER]);
        assert_eq!(of(&[MINJI_KO]), [MINJI_KO]);
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn everybody_is_mentioned_in_groups_alone() {
        let of = |text: &str, room| Calls::in_text(text).resolve(&known(), &MEMBERS, room);
        for (text, word) in [
            ("@here", MentionsAll::Here),
            ("@HERE!", MentionsAll::Here),
            ("@channel에", MentionsAll::Channel),
            ("@channel @here", MentionsAll::Channel),
            ("@channel.example", MentionsAll::Channel),
        ] {
            assert_eq!(of(text, RoomKind::Group), Mentions { people: vec![], all: Some(word) }, "{text}");
            assert_eq!(of(text, RoomKind::Private).all, None, "{text}");
        }
        assert_eq!(of("@here", RoomKind::Private).people, [HERE], "a name like any");
        assert_eq!(of("there@here.example, heres", RoomKind::Group), Mentions::default());
    }

    #[test]
    fn longer_name_that_somebody_has_is_not_the_word() {
        let known = HashMap::from([("channel-lead".to_owned(), MINJI)]);
        let of = |text: &str| Calls::in_text(text).resolve(&known, &MEMBERS, RoomKind::Group);

        assert_eq!(of("@channel-lead"), Mentions { people: vec![MINJI], all: None });
        assert_eq!(of("@channel-lead @here").all, Some(MentionsAll::Here));
        assert_eq!(of("@channel-news").all, Some(MentionsAll::Channel), "nobody has that name");
    }

    #[test]
    fn each_person_is_mentioned_once_and_fifty_at_most() {
        assert_eq!(called("@민지 @minji @민지 @MINJI"), [MINJI_KO, MINJI]);
        let many: Vec<_> = (0..60).map(|n| format!("@user{n:02}")).collect();
        let known: HashMap<_, _> = (0..60).map(|n| (format!("user{n:02}"), UserId(n))).collect();
        let members: Vec<_> = (0..60).map(UserId).collect();

        let mentions = Calls::in_text(&many.join(" ")).resolve(&known, &members, RoomKind::Private);

        assert_eq!(mentions.people, members[..MOST_MENTIONS]);
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use crate::Username;
    use proptest::prelude::*;

    fn mentions(text: &str, name: &Username) -> Vec<UserId> {
        let known = HashMap::from([(name.fold(), UserId(7))]);
        Calls::in_text(text).resolve(&known, &[UserId(7)], RoomKind::Private).people
    }

    proptest! {
        #[test]
        fn every_username_can_be_called(
            name in "\\PC{2,9}|[\\p{L}\\p{M}\\d_.-]{2,50}|[a-zа-я가-힣]{2,12}|[\u{e01}-\u{e4e}]{2,9}|[\u{1000}-\u{1040}]{2,9}",
            before in "|[ (\n]", after in "|[ ,!?)\n:]\\PC{0,9}",
        ) {
            if let Ok(name) = Username::parse(&name) {
                let text = format!("{before}@{}{after}", name.as_str());
                prop_assert_eq!(mentions(&text, &name), [UserId(7)], "{}", text);
            }
        }

        #[test]
        fn particle_behind_a_name_changes_nothing(name in "[가-힣]{2,5}|[a-z]{2,9}", particle in "(님|은|는|이|가|을|를|에게|께서|아|야|도|만|의|랑|하고){1,3}", end in "|[.!?]") {
            let name = Username::parse(&name).unwrap();
            let text = format!("@{}{particle}{end}", name.as_str());
            prop_assert_eq!(mentions(&text, &name), [UserId(7)], "{}", text);
        }

        #[test]
        fn mail_address_calls_nobody(local in "[a-z0-9가-힣]([.+_-]?[a-z0-9가-힣]){1,9}", domain in "[a-z가-힣]{2,9}(\\.[a-z]{2,5}){0,2}", before in "|[ (]") {
            let text = format!("{before}{local}@{domain}");
            prop_assert!(Calls::in_text(&text).is_empty(), "{}", text);
        }

        #[test]
        fn no_text_costs_more_than_its_bound(text in "(@|\\PC|[a-z가-힣一-鿏.]){0,400}|(@[가-힣a-z]{1,60} ?){0,60}") {
            let calls = Calls::in_text(&text);
            let names = calls.names();
            prop_assert!(names.len() <= MOST_READINGS);
            prop_assert!(names.iter().all(|name| name.chars().count() <= LONGEST_FOLD));
            let known: HashMap<_, _> = names.iter().zip(1..).map(|(name, id)| ((*name).to_owned(), UserId(id))).collect();
            let members: Vec<_> = (1..).step_by(2).take(300).map(UserId).collect();
            let found = calls.resolve(&known, &members, RoomKind::Group).people;
            prop_assert!(found.len() <= MOST_MENTIONS && found.iter().all(|user| members.contains(user)));
            prop_assert!(text.contains('@') || calls.is_empty());
        }
    }
}
