use super::*;
use crate::look::tests::job;
use domain::UploadKind;
use image::{ExtendedColorType, ImageEncoder, RgbImage, Rgba, RgbaImage, load_from_memory};

const CANARY: &[u8] = b"canary";

/// A picture that looks like itself in one orientation alone.
fn gradient(width: u32, height: u32) -> RgbImage {
    let shade = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap();
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([shade(x, width), shade(y, height), shade(x + y, width + height)])
    })
}

fn encoded(format: Picture, image: &RgbImage) -> Vec<u8> {
    let (mut bytes, (width, height)) = (Vec::new(), image.dimensions());
    let color = ExtendedColorType::Rgb8;
    match format {
        Picture::Gif => codecs::gif::GifEncoder::new(&mut bytes).encode(image, width, height, color).unwrap(),
        Picture::Jpeg => {
            let encoder = codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
            encoder.write_image(image, width, height, color).unwrap();
        }
        Picture::Png => codecs::png::PngEncoder::new(&mut bytes).write_image(image, width, height, color).unwrap(),
        Picture::Webp => {
            codecs::webp::WebPEncoder::new_lossless(&mut bytes).encode(image, width, height, color).unwrap();
        }
    }
    bytes
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap();
    [&[0xff, marker][..], &length.to_be_bytes(), content].concat()
}

fn png_chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
    let checked = [name, content].concat();
    let length = u32::try_from(content.len()).unwrap();
    [&length.to_be_bytes()[..], &checked, &png::checksum(&checked).to_be_bytes()].concat()
}

fn riff_chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    let padding = &[0][..content.len() % 2];
    [name, &length.to_le_bytes()[..], content, padding].concat()
}

/// An EXIF with an orientation, a description, and more behind both.
fn exif(orientation: u8) -> Vec<u8> {
    let tags =
        [&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0][..], b"\x01\x0e\0\x02\0\0\0\x06\0\0\0\x26"].concat();
    [b"MM\0\x2a\0\0\0\x08\0\x02", &tags[..], &[0; 4], CANARY].concat()
}

/// The same picture with an EXIF, and with everything else that can hold a canary.
fn talkative(format: Picture, picture: &[u8], orientation: u8) -> Vec<u8> {
    match format {
        Picture::Jpeg => {
            let jfif = [b"JFIF\0\x01\x02\0\0\x01\0\x01\x02\x01", CANARY].concat();
            let said = [
                segment(0xe0, &jfif),
                segment(0xe1, &[orientation::MARK, &exif(orientation)].concat()),
                segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0canary"),
                segment(0xe2, b"MPF\0canary"),
                segment(0xed, b"Photoshop 3.0\0canary"),
                segment(0xee, b"Adobe\0\x64\0\0\0\0\x01canary"),
                segment(0xfe, CANARY),
            ];
            // The first picture's JFIF is behind ours.
            let film = b"\0\0\0\x18ftypmp42canary";
            [&picture[..2], &said.concat(), &picture[2..], film].concat()
        }
        Picture::Png => {
            let said = [
                png_chunk(b"tEXt", b"Comment\0canary"),
                png_chunk(b"zTXt", b"Comment\0\0canary"),
                png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0canary"),
                png_chunk(b"tIME", b"canary\0"),
                png_chunk(b"caNb", CANARY),
                png_chunk(b"eXIf", &exif(orientation)),
            ];
            let header = 8 + 25;
            [&picture[..header], &said.concat(), &picture[header..], CANARY].concat()
        }
        Picture::Webp => {
            // From a simple file to an extended one.
            let (width, height) = load_from_memory(picture).unwrap().to_rgb8().dimensions();
            let [width, height] = [width - 1, height - 1].map(u32::to_le_bytes);
            let flags = [&[0x0c, 0, 0, 0][..], &width[..3], &height[..3]].concat();
            let body = [
                riff_chunk(b"VP8X", &flags),
                picture[12..].to_vec(),
                riff_chunk(b"EXIF", &exif(orientation)),
                riff_chunk(b"XMP ", CANARY),
                riff_chunk(b"CNRY", CANARY),
            ];
            let body = [b"WEBP", &body.concat()[..]].concat();
            [riff_chunk(b"RIFF", &body), CANARY.to_vec()].concat()
        }
        Picture::Gif => {
            let said = b"\x21\xfe\x06canary\0\x21\xff\x0bXMP DataXMP\x06canary\0\x21\x01\x0c000000000000\x06canary\0";
            let at = 13 + if picture[10] & 0x80 == 0 { 0 } else { 3 << ((picture[10] & 7) + 1) };
            [&picture[..at], said, &picture[at..], b"<html>canary"].concat()
        }
    }
}

const ALL: [Picture; 4] = [Picture::Gif, Picture::Jpeg, Picture::Png, Picture::Webp];

fn seen(format: Picture, bytes: &[u8]) -> Found {
    look(format, &job(UploadKind::Image, Purpose::Message), bytes).unwrap()
}

fn has_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY)
}

/// By how many levels two pictures differ on average.
fn difference(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let levels = one.as_raw().iter().zip(other.as_raw()).map(|(one, other)| f64::from(one.abs_diff(*other)));
    levels.sum::<f64>() / f64::from(u32::try_from(one.as_raw().len()).unwrap())
}

#[test]
fn small_copies_stand_upright() {
    let image = gradient(400, 300);
    for format in [Picture::Jpeg, Picture::Png, Picture::Webp] {
        let plain = encoded(format, &image);
        for number in 1..=8 {
            let orientation = Orientation::from_exif(number).unwrap();
            let found = seen(format, &talkative(format, &plain, number));
            let mut upright = DynamicImage::from(image.clone()).thumbnail_exact(320, 240);
            upright.apply_orientation(orientation);
            let small = load_from_memory(&found.variants[0].1).unwrap().to_rgb8();
            assert!(difference(&small, &upright.to_rgb8()) < 2.0, "{format:?} {number}");
            assert_eq!(found.media.width, Some(if number < 5 { 400 } else { 300 }));
            // Others turn the original themselves.
            let kept = found.original.unwrap();
            let mut decoder = decoder(format, &kept).unwrap();
            assert_eq!(decoder.orientation().unwrap(), orientation, "{format:?} {number}");
        }
    }
}

#[test]
fn nothing_but_the_picture_is_kept() {
    let image = gradient(40, 30);
    for format in ALL {
        let plain = encoded(format, &image);
        let talkative = talkative(format, &plain, 6);
        assert!(has_canary(&talkative));
        let found = seen(format, &talkative);
        let kept = found.original.unwrap();
        assert!(!has_canary(&kept), "{format:?}");
        assert!(found.variants.iter().all(|(_, bytes)| !has_canary(bytes)), "{format:?}");
        let pixels = |bytes: &[u8]| load_from_memory(bytes).unwrap().to_rgba8();
        assert_eq!(pixels(&kept), pixels(&plain), "{format:?}");
        assert_eq!(kept.len() as u64, found.media.size);
        assert_eq!(found.media.media_type, format.media_type());
        assert_eq!(rebuild(format, &kept).unwrap().bytes, kept, "{format:?} is as it stays");
    }
}

#[test]
fn animation_is_kept_and_shown_by_its_first_frame() {
    for (format, bytes) in [
        (Picture::Gif, &include_bytes!("../../fixtures/moving.gif")[..]),
        (Picture::Png, include_bytes!("../../fixtures/moving.png")),
        (Picture::Webp, include_bytes!("../../fixtures/moving.webp")),
    ] {
        let found = seen(format, bytes);
        assert_eq!((found.media.animated, found.media.width, found.media.height), (Some(true), Some(64), Some(48)));
        let kept = found.original.unwrap();
        let first = |bytes: &[u8]| load_from_memory(bytes).unwrap().to_rgba8();
        assert_eq!(first(&kept), first(bytes), "{format:?}");
    }
    assert_eq!(seen(Picture::Gif, &encoded(Picture::Gif, &gradient(4, 4))).media.animated, Some(false));
}

#[test]
fn progressive_picture_is_kept_as_it_is() {
    let bytes = include_bytes!("../../fixtures/progressive.jpg");
    let found = seen(Picture::Jpeg, bytes);
    assert_eq!(found.original.as_deref(), Some(&bytes[..]));
    assert!(jpeg::rebuild(bytes).unwrap().is_progressive);
}

#[test]
fn large_picture_has_two_smaller_copies() {
    let found = seen(Picture::Jpeg, &encoded(Picture::Jpeg, &gradient(2_000, 1_000)));
    let sizes: Vec<_> =
        found.media.variants.iter().map(|variant| (variant.name, variant.width, variant.height)).collect();
    assert_eq!(sizes, [(VariantName::Small, 320, 160), (VariantName::Large, 1_280, 640)]);
    for (variant, (_, bytes)) in found.media.variants.iter().zip(&found.variants) {
        let image = load_from_memory(bytes).unwrap();
        assert_eq!((image.width(), image.height()), (variant.width, variant.height));
        assert_eq!((bytes.len() as u64, variant.media_type.as_str()), (variant.size, "image/jpeg"));
    }
}

#[test]
fn picture_that_is_small_enough_is_its_own_large_copy() {
    let found = seen(Picture::Png, &encoded(Picture::Png, &gradient(200, 100)));
    assert_eq!(found.media.variants.len(), 1);
    assert_eq!((found.media.variants[0].width, found.media.variants[0].height), (200, 100), "it is not enlarged");
}

#[test]
fn transparency_stays() {
    let image = RgbaImage::from_fn(64, 64, |x, _| Rgba([200, 0, 0, if x < 32 { 0 } else { 255 }]));
    let mut bytes = Vec::new();
    let encoder = codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(&image, 64, 64, ExtendedColorType::Rgba8).unwrap();
    let found = seen(Picture::Png, &bytes);
    assert_eq!(found.media.variants[0].media_type, "image/webp");
    let small = load_from_memory(&found.variants[0].1).unwrap().to_rgba8();
    assert_eq!((small.get_pixel(0, 0)[3], small.get_pixel(63, 0)[3]), (0, 255));
    // Colours of what is not seen don't shine through.
    assert_eq!(small.get_pixel(63, 0), &Rgba([200, 0, 0, 255]));
}

#[test]
fn short_colour_profile_of_rgb_stays_everywhere() {
    for (space, stays) in [(b"RGB ", true), (b"CMYK", false)] {
        let profile = [&[7; 16][..], space, &[7; 108]].concat();
        let mut bytes = Vec::new();
        let mut encoder = codecs::jpeg::JpegEncoder::new(&mut bytes);
        encoder.set_icc_profile(profile.clone()).unwrap();
        encoder.write_image(&gradient(8, 8), 8, 8, ExtendedColorType::Rgb8).unwrap();
        let found = seen(Picture::Jpeg, &bytes);
        let has_profile = |bytes: &[u8]| bytes.windows(profile.len()).any(|window| window == profile);
        assert!(has_profile(&found.original.unwrap()));
        assert_eq!(has_profile(&found.variants[0].1), stays);
    }
}

#[test]
fn picture_of_a_profile_is_two_squares_of_its_middle() {
    for purpose in [Purpose::Avatar, Purpose::GroupPicture] {
        let found =
            look(Picture::Jpeg, &job(UploadKind::Image, purpose), &encoded(Picture::Jpeg, &gradient(1_200, 600)))
                .unwrap();
        let sizes: Vec<_> = found.media.variants.iter().map(|variant| (variant.width, variant.height)).collect();
        assert_eq!(sizes, [(96, 96), (512, 512)]);
        assert!(found.original.is_none());
        let large = load_from_memory(&found.variants[1].1).unwrap().to_rgb8();
        let left = large.get_pixel(0, 256)[0];
        assert!((60..70).contains(&left), "a quarter of the width is cut off on each side: {left}");
    }
}

fn png_header(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, color, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &png_chunk(b"IHDR", &header), &png_chunk(b"IDAT", &[0; 8]), &png_chunk(b"IEND", b"")]
        .concat()
}

#[test]
fn bombs_are_refused_by_their_headers() {
    let mut jpeg = encoded(Picture::Jpeg, &gradient(8, 8));
    let frame = jpeg.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    let mut gif = encoded(Picture::Gif, &gradient(8, 8));
    gif[6..10].copy_from_slice(&[0xff; 4]);
    for (format, bytes) in [
        (Picture::Png, png_header(65_535, 65_535, 8, 2)),
        (Picture::Png, png_header(32_768, 1, 8, 2)),
        // Few enough pixels, but of eight bytes each.
        (Picture::Png, png_header(9_900, 9_900, 16, 6)),
        (Picture::Jpeg, jpeg),
        (Picture::Gif, gif),
    ] {
        let refused = look(format, &job(UploadKind::Image, Purpose::Message), &bytes).unwrap_err();
        assert_eq!(refused, Rejection::TooManyPixels, "{format:?}");
    }
    let refused =
        look(Picture::Png, &job(UploadKind::Image, Purpose::Avatar), &png_header(7_000, 6_000, 8, 2)).unwrap_err();
    assert_eq!(refused, Rejection::TooManyPixels, "less of a profile");
}

#[test]
fn only_the_first_of_many_frames_is_decoded() {
    let one = encoded(Picture::Gif, &gradient(16, 16));
    let at = 13 + (3 << ((one[10] & 7) + 1)) * usize::from(one[10] >> 7);
    let frame = &one[at..one.len() - 1];
    let mut many = one[..one.len() - 1].to_vec();
    // What follows the first frame would not decode.
    for _ in 0..10_000 {
        many.extend([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 1, 0xff, 0]);
    }
    many.push(0x3b);
    assert!(frame.len() > 100);
    assert_eq!(seen(Picture::Gif, &many).media.animated, Some(true));
}

#[test]
fn truncated_picture_is_damaged() {
    for format in [Picture::Png, Picture::Webp] {
        let bytes = encoded(format, &gradient(64, 64));
        for length in [8, 20, bytes.len() / 2] {
            assert_eq!(
                look(format, &job(UploadKind::Image, Purpose::Message), &bytes[..length]).unwrap_err(),
                Rejection::Damaged,
                "{format:?}"
            );
        }
    }
    for format in ALL {
        let bytes = encoded(format, &gradient(64, 64));
        assert_eq!(
            look(format, &job(UploadKind::Image, Purpose::Message), &bytes[..16]).unwrap_err(),
            Rejection::Damaged,
            "{format:?}"
        );
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// A picture of each format, with all that goes.
    static PICTURES: LazyLock<[(Picture, Vec<u8>); 4]> =
        LazyLock::new(|| ALL.map(|format| (format, talkative(format, &encoded(format, &gradient(4, 4)), 6))));

    proptest! {
        #[test]
        fn any_bytes_are_rebuilt_or_refused(bytes: Vec<u8>) {
            for (format, head) in ALL.into_iter().zip([&b"GIF89a"[..], b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\0\0\0WEBP"]) {
                let bytes = [head, &bytes].concat();
                if let Some(rebuilt) = rebuild(format, &bytes) {
                    prop_assert!(rebuilt.bytes.len() <= bytes.len() + 64);
                }
            }
        }

        #[test]
        fn any_change_of_a_picture_is_rebuilt_or_refused(changes in proptest::collection::vec((0_usize..600, any::<u8>()), 1..4)) {
            for (format, bytes) in &*PICTURES {
                let mut bytes = bytes.clone();
                for (at, byte) in &changes {
                    if let Some(changed) = bytes.get_mut(*at) {
                        *changed = *byte;
                    }
                }
                if let Some(rebuilt) = rebuild(*format, &bytes) {
                    prop_assert!(rebuilt.bytes.len() <= bytes.len() + 64);
                    let again = rebuild(*format, &rebuilt.bytes).map(|again| again.bytes);
                    prop_assert_eq!(again, Some(rebuilt.bytes));
                }
            }
        }
    }
}
