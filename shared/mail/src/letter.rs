use domain::{Locale, MailKind};

/// What a person reads. It holds nothing that anybody has typed: whoever registers somebody else's address can't write to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject.
    pub subject: &'static str,
    /// The text for readers without HTML.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// The words around a link.
struct Words {
    subject: &'static str,
    before: &'static str,
    button: &'static str,
    after: &'static str,
}

impl Letter {
    /// The mail of a kind with a token, whose link leads to the app. The token is behind `#`, which browsers send to no server.
    pub fn new(kind: MailKind, locale: Locale, app_url: &str, token: &str) -> Self {
        let Words { subject, before, button, after } = words(kind, locale);
        let link = format!("{app_url}/{}#token={token}", page(kind));
        let text = format!("{before}\n\n{link}\n\n{after}\n\nBigTech Chat\n");
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{subject}</title></head>\
             <body style=\"font-family: sans-serif; line-height: 1.5\">\n<p>{before}</p>\n\
             <p><a href=\"{link}\">{button}</a></p>\n<p>{after}</p>\n<p>BigTech Chat</p>\n</body></html>\n",
            locale.as_str(),
            link = escaped(&link),
        );
        Self { subject, text, html }
    }
}

/// The app's page that takes the token.
const fn page(kind: MailKind) -> &'static str {
    match kind {
        MailKind::VerifyEmail => "verify-email",
        MailKind::ResetPassword => "reset-password",
    }
}

/// The app's URL may hold what HTML means something by.
fn escaped(link: &str) -> String {
    link.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

const fn words(kind: MailKind, locale: Locale) -> Words {
    match kind {
        MailKind::VerifyEmail => Words {
            subject: locale.pick("Confirm your e-mail address", "이메일 주소를 확인해 주세요"),
            before: locale.pick(
                "An account was registered with this e-mail address. If it is yours, open this link within 24 hours, on a \
                 device on which you are logged in:",
                "이 이메일 주소로 계정이 만들어졌습니다. 본인의 계정이라면 로그인한 기기에서 24시간 안에 아래 링크를 열어 주세요.",
            ),
            button: locale.pick("Confirm the address", "주소 확인하기"),
            after: locale.pick(
                "If it is not yours, do not open the link: nobody can confirm the address without you. To use the address \
                 yourself, choose \"Forgot password\" in the app. A password that you set ends everybody else's access.",
                "본인의 계정이 아니라면 링크를 열지 마세요. 이 메일 없이는 누구도 주소를 확인할 수 없습니다. 이 주소를 직접 \
                 사용하려면 앱에서 '비밀번호 찾기'를 선택하세요. 새 비밀번호를 정하면 다른 사람은 더 이상 접근할 수 없습니다.",
            ),
        },
        MailKind::ResetPassword => Words {
            subject: locale.pick("Set a new password", "새 비밀번호를 설정해 주세요"),
            before: locale.pick(
                "Somebody asked for a new password of the account with this e-mail address. To set one, open this link within \
                 an hour:",
                "이 이메일 주소의 계정에 새 비밀번호 요청이 있었습니다. 비밀번호를 다시 정하려면 1시간 안에 아래 링크를 열어 주세요.",
            ),
            button: locale.pick("Set a new password", "새 비밀번호 설정하기"),
            after: locale.pick(
                "The link works once, and a new password ends all logins of the account. If you did not ask for it, do \
                 nothing: the password stays as it is.",
                "링크는 한 번만 쓸 수 있으며, 비밀번호를 바꾸면 모든 로그인이 종료됩니다. 직접 요청하지 않았다면 아무것도 하지 \
                 않으셔도 됩니다. 비밀번호는 그대로 유지됩니다.",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [MailKind; 2] = [MailKind::VerifyEmail, MailKind::ResetPassword];

    fn letter(kind: MailKind, locale: Locale) -> Letter {
        Letter::new(kind, locale, "https://chat.example/app?a=1&b", "T0ken_-")
    }

    #[test]
    fn both_forms_hold_the_link_with_its_token() {
        for (kind, page) in KINDS.into_iter().zip(["verify-email", "reset-password"]) {
            let Letter { text, html, .. } = letter(kind, Locale::En);

            assert!(text.contains(&format!("\n\nhttps://chat.example/app?a=1&b/{page}#token=T0ken_-\n\n")), "{text}");
            assert!(
                html.contains(&format!("href=\"https://chat.example/app?a=1&amp;b/{page}#token=T0ken_-\"")),
                "{html}"
            );
        }
    }

    #[test]
    fn every_text_is_in_the_language_of_its_reader() {
        let is_hangul = |c: char| ('가'..='힣').contains(&c);
        for kind in KINDS {
            let (english, korean) = (letter(kind, Locale::En), letter(kind, Locale::Ko));
            assert!(english.subject.is_ascii() && english.text.is_ascii() && english.html.contains("lang=\"en\""));
            assert!(korean.subject.chars().any(is_hangul) && korean.html.contains("lang=\"ko\""));
            for text in [&korean.text, &korean.html] {
                assert!(text.chars().filter(|&c| is_hangul(c)).count() > 50, "{text}");
                assert!(!text.contains("  ") && !text.contains("account"), "{text}");
            }
        }
    }
}
