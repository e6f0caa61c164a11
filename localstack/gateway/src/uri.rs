//! Text in URIs.

use percent_encoding::percent_decode_str;

/// Percent-decoded, without touching `+`; what is not UTF-8 becomes U+FFFD.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
