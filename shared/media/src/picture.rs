//! Pictures: their sizes, smaller copies, and themselves rebuilt from what may stay.

mod gif;
mod jpeg;
mod orientation;
mod pixels;
mod png;
mod webp;

use crate::{Found, Job, sniff::Picture};
use domain::{Media, Purpose, Rejection, Variant, VariantName};
use image::{DynamicImage, ImageDecoder, codecs, metadata::Orientation};
use pixels::{Encoded, Pixels};
use std::io::Cursor;

/// The longest side of a picture.
const LONGEST_SIDE: u32 = 32_767;

/// The most memory that decoding may take; the process has a little more.
const MOST_MEMORY: u64 = 1_000_000_000;

/// What a progressive JPEG needs beside its pixels: coefficients of two bytes for three components.
const PROGRESSIVE: u64 = 6;

/// The longest side of the variants.
const SMALL: u32 = 320;
const LARGE: u32 = 1_280;

/// Those of a profile or a group, which are squares.
const SMALL_SQUARE: u32 = 96;
const LARGE_SQUARE: u32 = 512;

/// A picture is its own large variant up to this side and size.
const LARGE_FROM_SIDE: u32 = 1_600;
const LARGE_FROM_SIZE: usize = 400 * 1_024;

/// A larger colour profile is left out of variants.
const LARGEST_PROFILE: usize = 16 * 1_024;

/// A picture of which nothing is left but what may stay.
#[derive(Debug)]
struct Rebuilt {
    bytes: Vec<u8>,
    orientation: Orientation,
    is_animated: bool,
    is_progressive: bool,
}

pub(crate) fn look(format: Picture, job: &Job, bytes: &[u8]) -> Result<Found, Rejection> {
    let rebuilt = rebuild(format, bytes).ok_or(Rejection::Damaged)?;
    // Only what others will have is decoded.
    let mut decoder = decoder(format, &rebuilt.bytes).map_err(|_| Rejection::Damaged)?;
    let is_message = job.purpose == Purpose::Message;
    let most = if is_message { job.limits.image_pixels } else { job.limits.picture_pixels };
    check(&*decoder, rebuilt.is_progressive, most)?;
    let (width, height) = decoder.dimensions();
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| fits(profile));
    let image = DynamicImage::from_decoder(decoder).map_err(|_| Rejection::Damaged)?;
    let pixels = Pixels::of(image);
    let profile = profile.as_deref();
    let made = if is_message {
        let has_large = width.max(height) > LARGE_FROM_SIDE || rebuilt.bytes.len() > LARGE_FROM_SIZE;
        scaled(&pixels, rebuilt.orientation, has_large, profile)
    } else {
        squares(&pixels, rebuilt.orientation, profile)
    };
    let (variants, thumbhash) = made.ok_or(Rejection::Damaged)?;
    let (width, height) = orientation::displayed(rebuilt.orientation, (width, height));
    let media = Media {
        media_type: format.media_type().to_owned(),
        size: rebuilt.bytes.len() as u64,
        width: Some(width),
        height: Some(height),
        animated: is_message.then_some(rebuilt.is_animated),
        thumbhash: Some(thumbhash),
        variants: variants.iter().map(|(name, encoded)| encoded.describe(*name)).collect(),
        ..Media::default()
    };
    // Of a profile's or a group's picture only the squares are kept.
    let original = is_message.then_some(rebuilt.bytes);
    Ok(Found { media, original, variants: variants.into_iter().map(|(name, encoded)| (name, encoded.bytes)).collect() })
}

/// Smaller copies, and a thumbhash.
type Made = (Vec<(VariantName, Encoded)>, String);

fn scaled(pixels: &Pixels, orientation: Orientation, has_large: bool, profile: Option<&[u8]>) -> Option<Made> {
    let large = pixels.fit(LARGE)?;
    let small = large.fit(SMALL)?.turn(orientation)?;
    let mut variants = vec![(VariantName::Small, small.encode(profile)?)];
    if has_large {
        variants.push((VariantName::Large, large.turn(orientation)?.encode(profile)?));
    }
    Some((variants, small.thumbhash()?))
}

/// The middle of a picture.
fn squares(pixels: &Pixels, orientation: Orientation, profile: Option<&[u8]>) -> Option<Made> {
    let large = pixels.square(LARGE_SQUARE)?;
    let small = large.square(SMALL_SQUARE)?.turn(orientation)?;
    let thumbhash = small.thumbhash()?;
    let small = (VariantName::Small, small.encode(profile)?);
    Some((vec![small, (VariantName::Large, large.turn(orientation)?.encode(profile)?)], thumbhash))
}

fn rebuild(format: Picture, bytes: &[u8]) -> Option<Rebuilt> {
    match format {
        Picture::Gif => gif::rebuild(bytes),
        Picture::Jpeg => jpeg::rebuild(bytes),
        Picture::Png => png::rebuild(bytes),
        Picture::Webp => webp::rebuild(bytes),
    }
}

fn decoder<'a>(format: Picture, bytes: &'a [u8]) -> image::ImageResult<Box<dyn ImageDecoder + 'a>> {
    let reader = Cursor::new(bytes);
    Ok(match format {
        Picture::Gif => Box::new(codecs::gif::GifDecoder::new(reader)?),
        Picture::Jpeg => Box::new(codecs::jpeg::JpegDecoder::new(reader)?),
        Picture::Png => Box::new(codecs::png::PngDecoder::new(reader)?),
        Picture::Webp => Box::new(codecs::webp::WebPDecoder::new(reader)?),
    })
}

/// Whether a picture may be decoded at all, by its header.
fn check(decoder: &dyn ImageDecoder, is_progressive: bool, most: u64) -> Result<(), Rejection> {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Rejection::Damaged);
    }
    let color = decoder.color_type();
    // What is neither RGB nor RGBA of eight bits is converted.
    let converted = match (color.bytes_per_pixel(), color.has_alpha()) {
        (3, false) | (4, true) => 0,
        (_, false) => 3,
        (_, true) => 4,
    };
    let progressive = if is_progressive { PROGRESSIVE } else { 0 };
    let memory = pixels.saturating_mul(u64::from(color.bytes_per_pixel()) + converted + progressive);
    let fits = pixels <= most && width.max(height) <= LONGEST_SIDE && memory <= MOST_MEMORY;
    if fits { Ok(()) } else { Err(Rejection::TooManyPixels) }
}

/// Whether variants get a colour profile: a short one, and of the colours that they have.
fn fits(profile: &[u8]) -> bool {
    profile.len() <= LARGEST_PROFILE && profile.get(16..20) == Some(b"RGB ")
}

impl Encoded {
    fn describe(&self, name: VariantName) -> Variant {
        let Self { width, height, media_type, bytes } = self;
        Variant { name, width: *width, height: *height, media_type: (*media_type).to_owned(), size: bytes.len() as u64 }
    }
}

#[cfg(test)]
mod tests;
