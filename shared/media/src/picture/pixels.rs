use super::LONGEST_SIDE;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use fast_image_resize::{
    PixelType, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{
    DynamicImage, ExtendedColorType, ImageEncoder, RgbImage, RgbaImage,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
    metadata::Orientation,
};

const QUALITY: u8 = 80;

/// The longest side of what a thumbhash is made of.
const HASHED: u32 = 100;

/// A decoded picture of eight bits a channel.
pub(super) struct Pixels {
    width: u32,
    height: u32,
    has_alpha: bool,
    /// Rows of RGB or RGBA.
    bytes: Vec<u8>,
}

/// A picture as a file.
pub(super) struct Encoded {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Pixels {
    pub(super) fn of(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let has_alpha = image.color().has_alpha();
        let bytes = if has_alpha { image.into_rgba8().into_raw() } else { image.into_rgb8().into_raw() };
        Self { width, height, has_alpha, bytes }
    }

    /// The same with sides of at most so many pixels; never larger than it was.
    pub(super) fn fit(&self, side: u32) -> Option<Self> {
        let longest = self.width.max(self.height);
        if longest <= side {
            return self.resize((self.width, self.height), (0, 0, self.width, self.height));
        }
        let scale = |length: u32| {
            let scaled = (u64::from(length) * u64::from(side) + u64::from(longest) / 2) / u64::from(longest);
            u32::try_from(scaled).unwrap_or(LONGEST_SIDE).max(1)
        };
        self.resize((scale(self.width), scale(self.height)), (0, 0, self.width, self.height))
    }

    /// Its middle as a square of at most so many pixels.
    pub(super) fn square(&self, side: u32) -> Option<Self> {
        let shortest = self.width.min(self.height);
        let (left, top) = ((self.width - shortest) / 2, (self.height - shortest) / 2);
        let side = side.min(shortest);
        self.resize((side, side), (left, top, shortest, shortest))
    }

    fn resize(
        &self,
        (width, height): (u32, u32),
        (left, top, from_width, from_height): (u32, u32, u32, u32),
    ) -> Option<Self> {
        let pixel = if self.has_alpha { PixelType::U8x4 } else { PixelType::U8x3 };
        let source = ImageRef::new(self.width, self.height, &self.bytes, pixel).ok()?;
        let mut resized = Image::new(width, height, pixel);
        let [left, top, from_width, from_height] = [left, top, from_width, from_height].map(f64::from);
        // Lanczos with three lobes, on colours that are multiplied with their alpha, is what it does unless told otherwise.
        let options = ResizeOptions::new().crop(left, top, from_width, from_height);
        Resizer::new().resize(&source, &mut resized, &options).ok()?;
        Some(Self { width, height, has_alpha: self.has_alpha, bytes: resized.into_vec() })
    }

    /// The same as it is displayed.
    pub(super) fn turn(self, orientation: Orientation) -> Option<Self> {
        let mut image = self.into_image()?;
        image.apply_orientation(orientation);
        Some(Self::of(image))
    }

    fn into_image(self) -> Option<DynamicImage> {
        let Self { width, height, has_alpha, bytes } = self;
        if has_alpha {
            RgbaImage::from_raw(width, height, bytes).map(DynamicImage::from)
        } else {
            RgbImage::from_raw(width, height, bytes).map(DynamicImage::from)
        }
    }

    /// A JPEG, or a lossless WebP where something is transparent.
    pub(super) fn encode(&self, profile: Option<&[u8]>) -> Option<Encoded> {
        let (width, height, mut bytes) = (self.width, self.height, Vec::new());
        let is_transparent = self.has_alpha && self.bytes.chunks_exact(4).any(|pixel| pixel[3] != u8::MAX);
        if is_transparent {
            let mut encoder = WebPEncoder::new_lossless(&mut bytes);
            if let Some(profile) = profile {
                encoder.set_icc_profile(profile.to_vec()).ok()?;
            }
            encoder.write_image(&self.bytes, width, height, ExtendedColorType::Rgba8).ok()?;
            return Some(Encoded { width, height, media_type: "image/webp", bytes });
        }
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile.to_vec()).ok()?;
        }
        let opaque;
        let pixels = if self.has_alpha {
            opaque = self.bytes.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
            &opaque
        } else {
            &self.bytes
        };
        encoder.write_image(pixels, width, height, ExtendedColorType::Rgb8).ok()?;
        Some(Encoded { width, height, media_type: "image/jpeg", bytes })
    }

    pub(super) fn thumbhash(&self) -> Option<String> {
        let Self { width, height, has_alpha, bytes } = self.fit(HASHED)?;
        let rgba: Vec<u8> = if has_alpha {
            bytes
        } else {
            bytes.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], u8::MAX]).collect()
        };
        let hash = thumbhash::rgba_to_thumb_hash(usize::try_from(width).ok()?, usize::try_from(height).ok()?, &rgba);
        Some(BASE64_STANDARD.encode(hash))
    }
}
