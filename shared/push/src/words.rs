use crate::{News, Notification, Text, text};
use domain::{Locale, notification::Preview};

/// What a notification says on one device, before it is known how much of it fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    title: String,
    /// What stands before the text.
    before: String,
    /// The text of a message; `None` shows `instead`.
    text: Option<String>,
    /// What stands in the place of a text that may not be shown, or does not fit.
    instead: &'static str,
}

impl Words {
    /// In the language of the device, with as much as the preview allows. Names stand alone: no particle follows them, as Korean ones
    /// depend on their sound. `None` for what shows nothing.
    pub(crate) fn new(notification: &Notification, locale: Locale, most: Preview, app_name: &str) -> Option<Self> {
        let preview = notification.preview.min(most);
        let plain = |instead| Some(Self::plain(app_name.to_owned(), String::new(), instead));
        let named = |name: &str| if text::line(name).is_empty() { app_name.to_owned() } else { text::name(name) };
        match &notification.news {
            News::Clear => None,
            News::Test => plain(locale.pick("This is a test notification", "테스트 알림입니다")),
            News::Message { .. } if preview == Preview::None => {
                plain(locale.pick("You have a new message", "새 메시지가 있습니다"))
            }
            News::Added { .. } | News::FriendRequest { .. } if preview == Preview::None => {
                plain(locale.pick("You have a new notification", "새 알림이 있습니다"))
            }
            News::FriendRequest { sender } => {
                let before = format!("{}: ", named(sender));
                Some(Self::plain(app_name.to_owned(), before, locale.pick("friend request", "친구 요청")))
            }
            News::Added { sender, group } => {
                let instead = locale.pick("added you to the group", "그룹에 추가했습니다");
                Some(Self::plain(named(group), format!("{}: ", named(sender)), instead))
            }
            News::Message { sender, group, text: shown, .. } => {
                let (title, before) = match group {
                    Some(group) => (named(group), format!("{}: ", named(sender))),
                    None => (named(sender), String::new()),
                };
                let is_whole = preview == Preview::Full;
                let (text, instead) = match shown {
                    Text::Plain(text) if is_whole => (Some(text::excerpt(text)), new_message(locale)),
                    Text::Photo if is_whole => (None, locale.pick("Photo", "사진")),
                    Text::File if is_whole => (None, locale.pick("File", "파일")),
                    Text::Voice if is_whole => (None, locale.pick("Voice message", "음성 메시지")),
                    Text::Video if is_whole => (None, locale.pick("Video", "동영상")),
                    Text::Plain(_) | Text::Photo | Text::File | Text::Voice | Text::Video => {
                        (None, new_message(locale))
                    }
                };
                Some(Self { title, before, text: text.filter(|text| !text.is_empty()), instead })
            }
        }
    }

    fn plain(title: String, before: String, instead: &'static str) -> Self {
        Self { title, before, text: None, instead }
    }

    /// The payload that `build` makes of title and body, with as much of the text as keeps it within `most` bytes.
    pub(crate) fn payload(&self, most: usize, build: impl Fn(&str, &str) -> Vec<u8>) -> Vec<u8> {
        let with = |text: &str| build(&self.title, &format!("{}{text}", self.before));
        let fitted = self.text.as_ref().and_then(|text| text::fitted(text, most, |text| with(text).len()));
        with(fitted.as_deref().unwrap_or(self.instead))
    }
}

fn new_message(locale: Locale) -> &'static str {
    locale.pick("New message", "새 메시지")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: Text, group: Option<&str>) -> News {
        let (sender, group) = ("홍길동".to_owned(), group.map(str::to_owned));
        News::Message { sender, group, text, is_mention: false }
    }

    fn shown(news: News, locale: Locale, preview: Preview) -> String {
        let notification = Notification { news, room: None, id: None, seq: None, preview, badge: None };
        let words = Words::new(&notification, locale, Preview::Full, "BigTech Chat").unwrap();
        String::from_utf8(words.payload(4_096, |title, body| format!("{title} / {body}").into_bytes())).unwrap()
    }

    #[test]
    fn each_template_is_in_the_language_of_the_device() {
        let text = || Text::Plain("내일 봐요\n안녕".to_owned());
        let (private, group) = (|text| message(text, None), |text| message(text, Some("독서 모임")));
        let (sender, room) = (|| "홍길동".to_owned(), || "독서 모임".to_owned());
        for (news, preview, korean, english) in [
            (private(text()), Preview::Full, "홍길동 / 내일 봐요 안녕", "홍길동 / 내일 봐요 안녕"),
            (private(text()), Preview::Sender, "홍길동 / 새 메시지", "홍길동 / New message"),
            (
                private(text()),
                Preview::None,
                "BigTech Chat / 새 메시지가 있습니다",
                "BigTech Chat / You have a new message",
            ),
            (group(text()), Preview::Full, "독서 모임 / 홍길동: 내일 봐요 안녕", "독서 모임 / 홍길동: 내일 봐요 안녕"),
            (group(text()), Preview::Sender, "독서 모임 / 홍길동: 새 메시지", "독서 모임 / 홍길동: New message"),
            (
                group(text()),
                Preview::None,
                "BigTech Chat / 새 메시지가 있습니다",
                "BigTech Chat / You have a new message",
            ),
            (private(Text::Photo), Preview::Full, "홍길동 / 사진", "홍길동 / Photo"),
            (group(Text::File), Preview::Full, "독서 모임 / 홍길동: 파일", "독서 모임 / 홍길동: File"),
            (private(Text::Voice), Preview::Full, "홍길동 / 음성 메시지", "홍길동 / Voice message"),
            (group(Text::Video), Preview::Full, "독서 모임 / 홍길동: 동영상", "독서 모임 / 홍길동: Video"),
            (private(Text::Photo), Preview::Sender, "홍길동 / 새 메시지", "홍길동 / New message"),
            (
                News::Added { sender: sender(), group: room() },
                Preview::Full,
                "독서 모임 / 홍길동: 그룹에 추가했습니다",
                "독서 모임 / 홍길동: added you to the group",
            ),
            (
                News::Added { sender: sender(), group: room() },
                Preview::None,
                "BigTech Chat / 새 알림이 있습니다",
                "BigTech Chat / You have a new notification",
            ),
            (
                News::FriendRequest { sender: sender() },
                Preview::Sender,
                "BigTech Chat / 홍길동: 친구 요청",
                "BigTech Chat / 홍길동: friend request",
            ),
            (
                News::FriendRequest { sender: sender() },
                Preview::None,
                "BigTech Chat / 새 알림이 있습니다",
                "BigTech Chat / You have a new notification",
            ),
            (
                News::Test,
                Preview::Full,
                "BigTech Chat / 테스트 알림입니다",
                "BigTech Chat / This is a test notification",
            ),
        ] {
            assert_eq!(shown(news.clone(), Locale::Ko, preview), korean);
            assert_eq!(shown(news, Locale::En, preview), english);
        }
    }

    #[test]
    fn deployment_shows_less_than_the_person_wants() {
        let news = message(Text::Plain("hush".to_owned()), None);
        let notification = Notification { news, room: None, id: None, seq: None, preview: Preview::Full, badge: None };
        for (most, is_shown) in [(Preview::Full, true), (Preview::Sender, false), (Preview::None, false)] {
            let words = Words::new(&notification, Locale::En, most, "Chat").unwrap();
            let payload = words.payload(4_096, |title, body| format!("{title}{body}").into_bytes());
            assert_eq!(String::from_utf8(payload).unwrap().contains("hush"), is_shown);
        }
    }

    #[test]
    fn text_that_shows_nothing_and_one_that_fits_nowhere_are_new_messages() {
        let marks = format!("a{}", "\u{301}".repeat(5_000));
        for text in ["\u{202e}", "\n", &marks] {
            assert_eq!(
                shown(message(Text::Plain(text.to_owned()), None), Locale::En, Preview::Full),
                "홍길동 / New message"
            );
        }
    }

    #[test]
    fn nothing_is_shown_of_what_was_cleared() {
        let notification =
            Notification { news: News::Clear, room: None, id: None, seq: None, preview: Preview::Full, badge: None };
        assert_eq!(Words::new(&notification, Locale::En, Preview::Full, "Chat"), None);
    }
}
