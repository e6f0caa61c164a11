use crate::{Settings, SettingsError, checks, values};
use aws_types::SdkConfig;
use domain::{MalwareScan, UploadLimits};
use std::{fmt, time::Duration};

/// Where files are.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// `S3_URL`, without a slash at its end.
    pub url: String,
    /// `UPLOADS_BUCKET`, where clients write.
    pub uploads_bucket: String,
    /// `FILES_BUCKET`, from which files are served.
    pub files_bucket: String,
    /// Credentials and region.
    pub aws: SdkConfig,
    /// Where links lead, if not to S3.
    pub edge: Option<EdgeSettings>,
}

/// `CloudFront` in front of the bucket from which files are served.
#[derive(Clone)]
pub struct EdgeSettings {
    /// `FILES_URL`, without a slash at its end.
    pub url: String,
    /// `FILES_KEY_ID`, by which `CloudFront` names the key.
    pub key_id: String,
    /// `FILES_KEY`, the private key on P-256 that signs links, as a number.
    pub key: [u8; 32],
}

/// What a file may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaLimits {
    /// `MAX_IMAGE_PIXELS` of a picture.
    pub image_pixels: u64,
    /// `MAX_PICTURE_PIXELS` of a picture of a person or a group.
    pub picture_pixels: u64,
    /// `MAX_VOICE_SECONDS` of a voice note.
    pub voice: Duration,
    /// `MAX_VIDEO_SECONDS` of a video.
    pub video: Duration,
}

impl Settings {
    /// `S3_URL`, `UPLOADS_BUCKET`, `FILES_BUCKET`, what Lambda gives every function, and where links lead.
    pub fn files(&self) -> Result<FileSettings, SettingsError> {
        let bucket = |name| self.required(name, checks::bucket);
        let url = self.required("S3_URL", |value| checks::url_of(value, ["http", "https"]));
        let (url, uploads_bucket, files_bucket, aws, edge) =
            values((url, bucket("UPLOADS_BUCKET"), bucket("FILES_BUCKET"), self.aws(), self.edge()))?;
        Ok(FileSettings { url, uploads_bucket, files_bucket, aws, edge })
    }

    /// `FILES_URL` with `FILES_KEY` and `FILES_KEY_ID`; without the first, links lead to S3.
    fn edge(&self) -> Result<Option<EdgeSettings>, SettingsError> {
        let Some(url) = self.optional("FILES_URL", |value| checks::url_of(value, ["http", "https"]))? else {
            return Ok(None);
        };
        let (key, key_id) =
            values((self.required("FILES_KEY", checks::p256_key), self.required("FILES_KEY_ID", checks::key_id)))?;
        Ok(Some(EdgeSettings { url, key_id, key }))
    }

    /// How much a person may upload: `MAX_IMAGE_BYTES`, `MAX_VOICE_BYTES`, `MAX_VIDEO_BYTES` and `MAX_FILE_BYTES` of a file of a
    /// message, `MAX_PICTURE_BYTES` of a picture of a person or a group, `MAX_OPEN_UPLOADS` that nothing has attached yet, and
    /// `MAX_STORED_BYTES` of all files together.
    pub fn upload_limits(&self) -> Result<UploadLimits, SettingsError> {
        let inspected = |name| self.optional(name, checks::inspected_bytes);
        let (image, voice, video, picture, file, open, stored) = values((
            inspected("MAX_IMAGE_BYTES"),
            inspected("MAX_VOICE_BYTES"),
            inspected("MAX_VIDEO_BYTES"),
            inspected("MAX_PICTURE_BYTES"),
            self.optional("MAX_FILE_BYTES", checks::file_bytes),
            self.optional("MAX_OPEN_UPLOADS", checks::open_uploads),
            self.optional("MAX_STORED_BYTES", checks::stored_bytes),
        ))?;
        let default = UploadLimits::default();
        Ok(UploadLimits {
            image_bytes: image.unwrap_or(default.image_bytes),
            voice_bytes: voice.unwrap_or(default.voice_bytes),
            video_bytes: video.unwrap_or(default.video_bytes),
            file_bytes: file.unwrap_or(default.file_bytes),
            picture_bytes: picture.unwrap_or(default.picture_bytes),
            open: open.unwrap_or(default.open),
            stored_bytes: stored.unwrap_or(default.stored_bytes),
        })
    }

    /// `MALWARE_SCAN`: what scans uploads for malware before they are inspected.
    pub fn malware_scan(&self) -> Result<MalwareScan, SettingsError> {
        Ok(self.optional("MALWARE_SCAN", checks::malware_scan)?.unwrap_or_default())
    }

    /// What a file may contain.
    pub fn media_limits(&self) -> Result<MediaLimits, SettingsError> {
        let (image, picture, voice, video) = values((
            self.optional("MAX_IMAGE_PIXELS", checks::pixels),
            self.optional("MAX_PICTURE_PIXELS", checks::pixels),
            self.optional("MAX_VOICE_SECONDS", checks::seconds),
            self.optional("MAX_VIDEO_SECONDS", checks::seconds),
        ))?;
        Ok(MediaLimits {
            image_pixels: image.unwrap_or(100_000_000),
            picture_pixels: picture.unwrap_or(40_000_000),
            voice: voice.unwrap_or(Duration::from_mins(15)),
            video: video.unwrap_or(Duration::from_hours(1)),
        })
    }
}

impl fmt::Debug for EdgeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeSettings").field("url", &self.url).field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 6979, appendix A.2.5, as openssl writes it in either form.
    const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----\n\
        MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n\
        AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8\n\
        maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n\
        -----END EC PRIVATE KEY-----";
    const PKCS8: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX\n\
        Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n\
        +mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n\
        -----END PRIVATE KEY-----";

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::without_secrets(pairs.collect())
    }

    #[test]
    fn limits_of_uploads_have_defaults() {
        let limits = settings(&[("MAX_FILE_BYTES", "1000")]).upload_limits().unwrap();
        assert_eq!((limits.image_bytes, limits.file_bytes), (26_214_400, 1_000));
        assert_eq!((limits.open, limits.stored_bytes), (50, 2_147_483_648));
        let limits = settings(&[("MAX_VOICE_SECONDS", "60")]).media_limits().unwrap();
        assert_eq!((limits.image_pixels, limits.voice), (100_000_000, Duration::from_mins(1)));
    }

    #[test]
    fn uploads_are_scanned_where_a_setting_says_so() {
        let scan = |value| settings(&[("MALWARE_SCAN", value)]).malware_scan();
        assert_eq!(settings(&[]).malware_scan().unwrap(), MalwareScan::None);
        assert_eq!((scan("none").unwrap(), scan("guardduty").unwrap()), (MalwareScan::None, MalwareScan::GuardDuty));
        assert_eq!(scan("on").unwrap_err().to_string(), "MALWARE_SCAN must be none or guardduty");
    }

    #[test]
    fn every_bad_setting_of_files_is_named() {
        let settings = settings(&[
            ("S3_URL", "s3.example"),
            ("UPLOADS_BUCKET", "Uploads"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("MAX_VIDEO_BYTES", "209715201"),
            ("MAX_OPEN_UPLOADS", "0"),
        ]);

        let error = values((settings.files().map(drop), settings.upload_limits())).unwrap_err().to_string();

        assert_eq!(
            error,
            "S3_URL is not a URL; UPLOADS_BUCKET is not the name of a bucket; FILES_BUCKET is missing; \
             MAX_VIDEO_BYTES must be 1 to 209715200; MAX_OPEN_UPLOADS must be 1 to 1000"
        );
    }

    #[test]
    fn key_of_links_is_read_in_both_forms_of_pem_and_not_shown() {
        for pem in [SEC1, PKCS8] {
            let edge = settings(&[
                ("FILES_URL", "https://files.example/"),
                ("FILES_KEY", pem),
                ("FILES_KEY_ID", "K2JCJMDEHXQW5F"),
            ]);

            let edge = edge.edge().unwrap().unwrap();

            assert_eq!((edge.url.as_str(), edge.key[0], edge.key[31]), ("https://files.example", 0xc9, 0x21));
            assert_eq!(
                format!("{edge:?}"),
                r#"EdgeSettings { url: "https://files.example", key_id: "K2JCJMDEHXQW5F", .. }"#
            );
        }
        assert!(settings(&[("FILES_URL", ""), ("FILES_KEY", "x")]).edge().unwrap().is_none());
    }

    #[test]
    fn links_to_cloudfront_need_a_key_and_its_id() {
        let error = |key: &str, id: &str| {
            let settings =
                settings(&[("FILES_URL", "https://files.example"), ("FILES_KEY", key), ("FILES_KEY_ID", id)]);
            settings.edge().unwrap_err().to_string()
        };

        assert_eq!(error("", ""), "FILES_KEY is missing; FILES_KEY_ID is missing");
        for wrong in ["x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", &SEC1.replace("MHc", "MHd")]
        {
            assert_eq!(
                error(wrong, "K2&a=b"),
                "FILES_KEY is not a private key on P-256 in PEM; FILES_KEY_ID must have letters and digits alone"
            );
        }
    }
}
