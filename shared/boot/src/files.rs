use crate::{Settings, SettingsError, checks, values};
use aws_types::SdkConfig;
use domain::{MalwareScan, UploadLimits};
use std::time::Duration;

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
    /// `S3_URL`, `UPLOADS_BUCKET`, `FILES_BUCKET`, and what Lambda gives every function.
    pub fn files(&self) -> Result<FileSettings, SettingsError> {
        let bucket = |name| self.required(name, checks::bucket);
        let url = self.required("S3_URL", |value| checks::url_of(value, ["http", "https"]));
        let (url, uploads_bucket, files_bucket, aws) =
            values((url, bucket("UPLOADS_BUCKET"), bucket("FILES_BUCKET"), self.aws()))?;
        Ok(FileSettings { url, uploads_bucket, files_bucket, aws })
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
