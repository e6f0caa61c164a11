use serde::{Deserialize, Serialize};

/// The language of texts for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English, the default.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Locale {
    /// The best match for an `Accept-Language` value (RFC 9110, 12.5.4): the highest `q` wins, the earlier of equals.
    pub fn negotiate(accept_language: &str) -> Self {
        let mut best = (0.0, Self::default());
        for range in accept_language.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let q = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
            if let Some(locale) = Self::of_tag(tag.trim())
                && q > best.0
            {
                best = (q, locale);
            }
        }
        best.1
    }

    /// The locale of a BCP 47 tag such as `ko-KR`, when there is one.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "ko" => Some(Self::Ko),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// Its BCP 47 tag.
    pub const fn as_str(self) -> &'static str {
        self.pick("en", "ko")
    }

    /// Picks the text of this locale.
    pub const fn pick(self, english: &'static str, korean: &'static str) -> &'static str {
        match self {
            Self::En => english,
            Self::Ko => korean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_with_the_highest_quality_wins() {
        assert_eq!(Locale::negotiate("en;q=0.5, ko-KR;q=0.9"), Locale::Ko);
        assert_eq!(Locale::negotiate("ko, en"), Locale::Ko);
        assert_eq!(Locale::negotiate("fr, ko;q=0.1"), Locale::Ko);
        assert_eq!(Locale::negotiate("ko;q=0"), Locale::En);
        assert_eq!(Locale::negotiate(""), Locale::En);
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_header_breaks_the_negotiation(header in "\\PC{0,80}|((ko|en|fr|\\*)(-[A-Z]{2})?( ?; ?q=[0-9.NaInf-]{0,6})?, ?){0,6}") {
            let locale = Locale::negotiate(&header);
            prop_assert_eq!(Locale::of_tag(locale.as_str()), Some(locale));
            if !header.to_ascii_lowercase().contains("ko") { prop_assert_eq!(locale, Locale::En); }
        }
    }
}
