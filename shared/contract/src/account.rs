use crate::PictureView;
use domain::{
    DisplayName, Email, Fault, Locale, Password, Patch, PresenceVisibility, Privacy, PrivacyPatch, Profile,
    StatusMessage, Timestamp, TypedPassword, User, UserId, Username, fields,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An account as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// The account's id.
    pub id: UserId,
    /// The e-mail address, shown to the owner only.
    #[schema(example = "minji@example.com")]
    pub email: String,
    /// Whether the owner has shown that they read the mail of this address.
    pub email_verified: bool,
    /// The unique username.
    #[schema(example = "민지")]
    pub username: String,
    /// The display name; null if none is set.
    #[schema(required = true, example = "김민지")]
    pub display_name: Option<String>,
    /// The status message; null if none is set.
    #[schema(required = true, example = "오늘도 화이팅")]
    pub status_message: Option<String>,
    /// The owner's picture; null if they show none.
    #[schema(required = true)]
    pub avatar: Option<PictureView>,
    /// The owner's language.
    pub locale: Locale,
    /// Who may know when the owner is online.
    pub presence_visibility: PresenceVisibility,
    /// Whether others learn what the owner has read, and the owner what others have.
    pub read_receipts: bool,
    /// The time of registration.
    pub created_at: Timestamp,
    /// The time of the latest change of the account.
    pub updated_at: Timestamp,
}

/// A registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// At most 255 visible characters; unique, ignoring case.
    #[schema(example = "minji@example.com", format = Email, max_length = 255)]
    pub email: String,
    /// 2 to 50 letters of one script with its marks, decimal digits and `_ . -`; Chinese, Japanese and Korean may be combined
    /// with Latin. Unique among names that look alike, whatever their case and width.
    #[schema(example = "민지", min_length = 2)]
    pub username: String,
    /// 8 to 128 characters.
    #[schema(example = "correct horse battery", format = Password, min_length = 8)]
    pub password: String,
    /// 1 to 100 characters on one line, without invisible ones.
    #[schema(example = "김민지", min_length = 1)]
    pub display_name: Option<String>,
}

/// A change of an account. A field that is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// 1 to 100 characters on one line, without invisible ones; null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "홍길동", min_length = 1)]
    pub display_name: Patch<String>,
    /// 1 to 255 characters on one line, without invisible ones; null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "오늘도 화이팅", min_length = 1)]
    pub status_message: Patch<String>,
    /// The owner's language.
    pub locale: Option<Locale>,
    /// Who may know when the owner is online. With `nobody` the owner does not see when friends are online either; it holds for
    /// everything that is told after the answer.
    pub presence_visibility: Option<PresenceVisibility>,
    /// Whether others learn what the owner has read and received. With `false` the owner does not learn it of others either.
    pub read_receipts: Option<bool>,
}

/// A deletion of the caller's account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountDeletion {
    /// The account's password.
    #[schema(example = "correct horse battery", format = Password)]
    pub password: String,
}

impl AccountDeletion {
    /// The password, or why it is refused.
    pub fn parse(&self) -> Result<TypedPassword, Fault> {
        TypedPassword::parse(&self.password).map_err(|reason| Fault::field("password", reason))
    }
}

/// A change of the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The current password.
    #[schema(example = "correct horse battery", format = Password)]
    pub current_password: String,
    /// 8 to 128 characters.
    #[schema(example = "battery horse correct", format = Password, min_length = 8)]
    pub new_password: String,
}

/// The token of a mail that confirms an address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailVerification {
    /// The token, from behind `#token=` in the link.
    #[schema(example = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg")]
    pub token: String,
}

/// A request for a mail that lets its reader set a new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetRequest {
    /// The account's e-mail address.
    #[schema(example = "minji@example.com", format = Email, max_length = 255)]
    pub email: String,
}

/// A new password, by the token of a mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// The token, from behind `#token=` in the link.
    #[schema(example = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg")]
    pub token: String,
    /// 8 to 128 characters.
    #[schema(example = "battery horse correct", format = Password, min_length = 8)]
    pub new_password: String,
}

impl From<User> for AccountView {
    fn from(user: User) -> Self {
        let User { profile, email, email_verified, locale, privacy, created_at, updated_at } = user;
        let Profile { id, username, display_name, status_message, avatar } = profile;
        let Privacy { presence_visibility, read_receipts } = privacy;
        Self {
            id,
            email,
            email_verified,
            username,
            display_name,
            status_message,
            avatar: avatar.map(PictureView::from),
            locale,
            presence_visibility,
            read_receipts,
            created_at,
            updated_at,
        }
    }
}

impl NewAccount {
    /// The parsed values, or every bad field.
    pub fn parse(&self) -> Result<(Email, Username, Password, Option<DisplayName>), Fault> {
        fields((
            ("email", Email::parse_new(&self.email)),
            ("username", Username::parse(&self.username)),
            ("password", Password::parse(&self.password)),
            ("display_name", self.display_name.as_deref().map(DisplayName::parse).transpose()),
        ))
    }
}

/// What a change of an account changes: display name, status message, language and privacy.
pub type ParsedChange = (Patch<DisplayName>, Patch<StatusMessage>, Option<Locale>, PrivacyPatch);

impl AccountChange {
    /// The changes of display name, status message, language and privacy, or every bad field.
    pub fn parse(self) -> Result<ParsedChange, Fault> {
        let (display_name, status_message) = fields((
            ("display_name", self.display_name.try_map(|text| DisplayName::parse(&text))),
            ("status_message", self.status_message.try_map(|text| StatusMessage::parse(&text))),
        ))?;
        let privacy = PrivacyPatch { presence_visibility: self.presence_visibility, read_receipts: self.read_receipts };
        Ok((display_name, status_message, self.locale, privacy))
    }
}

impl PasswordChange {
    /// The current password and the new one, or every bad field.
    pub fn parse(&self) -> Result<(TypedPassword, Password), Fault> {
        fields((
            ("current_password", TypedPassword::parse(&self.current_password)),
            ("new_password", Password::parse(&self.new_password)),
        ))
    }
}

impl PasswordResetRequest {
    /// The address, or why it is refused.
    pub fn parse(&self) -> Result<Email, Fault> {
        Email::parse(&self.email).map_err(|reason| Fault::field("email", reason))
    }
}

impl PasswordReset {
    /// The new password, or why it is refused.
    pub fn parse(&self) -> Result<Password, Fault> {
        Password::parse(&self.new_password).map_err(|reason| Fault::field("new_password", reason))
    }
}
