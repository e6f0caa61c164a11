//! Uploads in parts: a folder each, with what is known of the object and a file for every part.

use std::{fs, io, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use s3s::{
    S3Error, S3Result,
    crypto::{Checksum as _, Md5, Sha256},
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
        CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput, Part, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use serde::{Deserialize, Serialize};
use tokio::fs::File;

use super::{
    disk::{self, Meta, base64, unless_missing},
    store::{PAGE, Store, time},
};

/// The smallest part that is not the last one.
const SMALLEST: u64 = 5 * 1024 * 1024;

/// The file in an upload's folder that is no part.
const UPLOAD: &str = "upload.json";

#[derive(Serialize, Deserialize)]
struct Upload {
    key: String,
    content_type: Option<String>,
}

impl Store {
    pub(crate) fn begin(&self, input: CreateMultipartUploadInput) -> S3Result<CreateMultipartUploadOutput> {
        self.must_exist(&input.bucket)?;
        let is = |given: Option<&str>, wanted| given == Some(wanted);
        let algorithm = input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str);
        let kind = input.checksum_type.as_ref().map(ChecksumType::as_str);
        if !is(algorithm, ChecksumAlgorithm::SHA256) || !is(kind, ChecksumType::COMPOSITE) {
            return Err(s3_error!(NotImplemented, "Uploads in parts have composite checksums of SHA-256"));
        }
        let id = format!("{:032x}", rand::random::<u128>());
        let folder = self.disk.uploads(&input.bucket).join(&id);
        let upload = Upload { key: input.key.clone(), content_type: input.content_type };
        let written = fs::create_dir(&folder).and_then(|()| fs::write(folder.join(UPLOAD), json(&upload)?));
        written.map_err(S3Error::internal_error)?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(crate) async fn take_part(&self, input: UploadPartInput) -> S3Result<UploadPartOutput> {
        let (folder, _) = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(InvalidArgument));
        }
        let Some(sha256) = &input.checksum_sha256 else {
            return Err(s3_error!(InvalidRequest, "Each part must have the SHA256 that the upload was created with"));
        };
        let staged = self.written(input.body, Some(sha256), |meta| meta).await?;
        let etag = staged.meta.etag.clone();
        match unless_missing(staged.keep(&part_file(&folder, input.part_number))) {
            Ok(Some(())) => {}
            // The upload ended meanwhile.
            Ok(None) => return Err(s3_error!(NoSuchUpload)),
            Err(error) => return Err(S3Error::internal_error(error)),
        }
        Ok(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_sha256: input.checksum_sha256,
            ..UploadPartOutput::default()
        })
    }

    pub(crate) async fn list(&self, input: ListPartsInput) -> S3Result<ListPartsOutput> {
        let (folder, _) = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let after = input.part_number_marker.unwrap_or(0);
        let most = input.max_parts.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
        let mut numbers: Vec<i32> = numbers(&folder).map_err(S3Error::internal_error)?;
        numbers.retain(|number| *number > after);
        let is_truncated = numbers.len() > most;
        numbers.truncate(most);
        let next = numbers.last().copied();
        let mut parts = Vec::new();
        for number in numbers {
            let found = disk::open(&part_file(&folder, number)).await.map_err(S3Error::internal_error)?;
            parts.extend(found.map(|(_, meta)| Part {
                part_number: Some(number),
                size: Some(meta.size.cast_signed()),
                e_tag: Some(ETag::Strong(meta.etag)),
                checksum_sha256: Some(meta.sha256),
                last_modified: Some(time(meta.modified)),
                ..Part::default()
            }));
        }
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            parts: Some(parts),
            is_truncated: Some(is_truncated),
            next_part_number_marker: next,
            ..ListPartsOutput::default()
        })
    }

    pub(crate) async fn complete(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let (folder, upload) = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let parts = checked(&folder, &named).await?;
        let size = parts.iter().map(|(_, meta)| meta.size).sum::<u64>();
        if input.mpu_object_size.is_some_and(|told| told.cast_unsigned() != size) {
            return Err(s3_error!(InvalidRequest, "The size of the object is another than the parts have"));
        }
        let (count, mut etags, mut sums) = (parts.len(), Md5::new(), Sha256::new());
        let mut writer = self.disk.writer().map_err(S3Error::internal_error)?;
        for (file, meta) in parts {
            etags.update(&hex::decode(&meta.etag).map_err(S3Error::internal_error)?);
            sums.update(&STANDARD.decode(&meta.sha256).map_err(S3Error::internal_error)?);
            let content = disk::stream(file, 0, meta.size).await.map_err(S3Error::internal_error)?;
            let broken = |error| S3Error::with_source(s3s::S3ErrorCode::InternalError, error);
            writer.write_all(content).await.map_err(broken)?;
        }
        let etag = format!("{}-{count}", hex::encode(etags.finalize()));
        let sha256 = format!("{}-{count}", base64(sums.finalize()));
        let staged = writer.finish(|meta| Meta { etag, sha256, content_type: upload.content_type, ..meta }).await;
        let staged = staged.map_err(S3Error::internal_error)?;
        let meta = self.place(&input.bucket, &input.key, staged, input.if_none_match.as_ref(), || forget(&folder))?;
        self.events.created(&input.bucket, &input.key, &meta, "CompleteMultipartUpload");
        Ok(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(meta.etag)),
            checksum_sha256: Some(meta.sha256),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    pub(crate) fn abort(&self, input: &AbortMultipartUploadInput) -> S3Result<AbortMultipartUploadOutput> {
        let (folder, _) = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        match unless_missing(forget(&folder)) {
            Ok(Some(())) => Ok(AbortMultipartUploadOutput::default()),
            Ok(None) => Err(s3_error!(NoSuchUpload)),
            Err(error) => Err(S3Error::internal_error(error)),
        }
    }

    /// The folder of an upload that goes on.
    fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<(PathBuf, Upload)> {
        self.must_exist(bucket)?;
        if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) || id.is_empty() {
            return Err(s3_error!(NoSuchUpload));
        }
        let folder = self.disk.uploads(bucket).join(id);
        let text = unless_missing(fs::read(folder.join(UPLOAD))).map_err(S3Error::internal_error)?;
        let text = text.ok_or_else(|| s3_error!(NoSuchUpload))?;
        let upload: Upload = serde_json::from_slice(&text).map_err(S3Error::internal_error)?;
        if upload.key == key { Ok((folder, upload)) } else { Err(s3_error!(NoSuchUpload)) }
    }
}

/// Every named part, if all are there with what is said of them.
async fn checked(folder: &std::path::Path, named: &[CompletedPart]) -> S3Result<Vec<(File, Meta)>> {
    let numbers: Vec<_> = named.iter().map(|part| part.part_number.unwrap_or_default()).collect();
    if named.is_empty() || !numbers.is_sorted_by(|one, next| one < next) {
        return Err(s3_error!(InvalidPartOrder));
    }
    let mut parts = Vec::new();
    for (part, number) in named.iter().zip(numbers) {
        let found = disk::open(&part_file(folder, number)).await.map_err(S3Error::internal_error)?;
        let Some((file, meta)) = found else { return Err(s3_error!(InvalidPart)) };
        let is_same = part.e_tag.as_ref().is_some_and(|etag| etag.value() == meta.etag);
        if !is_same || part.checksum_sha256.as_ref() != Some(&meta.sha256) {
            return Err(s3_error!(InvalidPart));
        }
        parts.push((file, meta));
    }
    let before_last = parts.len() - 1;
    if parts[..before_last].iter().any(|(_, meta)| meta.size < SMALLEST) {
        return Err(s3_error!(EntityTooSmall));
    }
    Ok(parts)
}

/// Takes an upload away, so that only one of many does.
fn forget(folder: &std::path::Path) -> io::Result<()> {
    let gone = folder.with_extension("gone");
    fs::rename(folder, &gone)?;
    fs::remove_dir_all(gone)
}

fn part_file(folder: &std::path::Path, number: i32) -> PathBuf {
    folder.join(number.to_string())
}

fn numbers(folder: &std::path::Path) -> io::Result<Vec<i32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn json(upload: &Upload) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(upload)?)
}
