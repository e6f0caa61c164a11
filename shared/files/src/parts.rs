use crate::{
    Files,
    fault::{fault, has_status, is},
    link::{OCTETS, length},
    quoted, unquoted,
};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use domain::{Fault, UploadId};

/// A part of a file that S3 has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its place in the file, from 1 on.
    pub number: u16,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of its content, in base64.
    pub sha256: String,
    /// What S3 names this content.
    pub etag: String,
}

impl Files {
    /// Begins an upload in parts; answers S3's id of it.
    pub async fn begin_parts(&self, id: UploadId) -> Result<String, Fault> {
        let begin = self.client.create_multipart_upload().bucket(&*self.uploads).key(id.to_string());
        let begin = begin.content_type(OCTETS).checksum_algorithm(ChecksumAlgorithm::Sha256);
        let created = Box::pin(begin.checksum_type(ChecksumType::Composite).send()).await;
        let created = created.map_err(|error| fault("begin an upload in parts", &error))?;
        created.upload_id.ok_or_else(|| Fault::internal("S3 named no upload in parts"))
    }

    /// The parts that have arrived, by number; none if there is no such upload any more.
    pub async fn parts(&self, id: UploadId, multipart: &str) -> Result<Option<Vec<Part>>, Fault> {
        let (mut parts, mut after) = (Vec::new(), None);
        loop {
            let list = self.client.list_parts().bucket(&*self.uploads).key(id.to_string()).upload_id(multipart);
            let page = match Box::pin(list.set_part_number_marker(after).send()).await {
                Ok(page) => page,
                Err(error) if is(&error, &["NoSuchUpload"]) => return Ok(None),
                Err(error) => return Err(fault("list parts", &error)),
            };
            parts.extend(page.parts().iter().map(|part| Part {
                number: part.part_number.and_then(|number| number.try_into().ok()).unwrap_or_default(),
                size: part.size.and_then(|size| size.try_into().ok()).unwrap_or_default(),
                sha256: part.checksum_sha256.clone().unwrap_or_default(),
                etag: unquoted(part.e_tag()),
            }));
            if page.is_truncated != Some(true) {
                return Ok(Some(parts));
            }
            after = page.next_part_number_marker;
        }
    }

    /// Makes a file of this size of its parts; false if there is such a file, or no such upload any more.
    pub async fn finish_parts(&self, id: UploadId, multipart: &str, parts: &[Part], size: u64) -> Result<bool, Fault> {
        let parts = parts.iter().map(|part| {
            let named = CompletedPart::builder().part_number(part.number.into()).e_tag(quoted(&part.etag));
            named.checksum_sha256(&part.sha256).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let finish = self.client.complete_multipart_upload().bucket(&*self.uploads).key(id.to_string());
        let finish = finish.upload_id(multipart).multipart_upload(parts).checksum_type(ChecksumType::Composite);
        let finish = finish.mpu_object_size(length(size)?).if_none_match("*");
        match Box::pin(finish.send()).await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, &["NoSuchUpload"]) => Ok(false),
            // The file is there, and its parts would stay.
            Err(error) if has_status(&error, 412) => self.abort_parts(id, multipart).await.map(|()| false),
            Err(error) => Err(fault("finish an upload in parts", &error)),
        }
    }

    /// Forgets an upload in parts, and its parts; one that is gone already too.
    pub async fn abort_parts(&self, id: UploadId, multipart: &str) -> Result<(), Fault> {
        let abort = self.client.abort_multipart_upload().bucket(&*self.uploads).key(id.to_string());
        match Box::pin(abort.upload_id(multipart).send()).await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["NoSuchUpload"]) => Ok(()),
            Err(error) => Err(fault("abort an upload in parts", &error)),
        }
    }
}
