use image::metadata::Orientation;

/// What stands before the EXIF of a JPEG, and sometimes of a WebP.
pub(super) const MARK: &[u8] = b"Exif\0\0";

/// How a picture is turned, by its EXIF.
pub(super) fn read(exif: &[u8]) -> Orientation {
    let exif = exif.strip_prefix(MARK).unwrap_or(exif);
    Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms)
}

/// An EXIF of this one tag; none where the picture is not turned.
pub(super) fn write(orientation: Orientation) -> Option<[u8; 26]> {
    if orientation == Orientation::NoTransforms {
        return None;
    }
    let mut exif = *b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    exif[19] = orientation.to_exif();
    Some(exif)
}

/// Width and height as the picture is displayed.
pub(super) fn displayed(orientation: Orientation, (width, height): (u32, u32)) -> (u32, u32) {
    match orientation {
        Orientation::NoTransforms
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical
        | Orientation::Rotate180 => (width, height),
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            (height, width)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_orientation_is_read_again() {
        for number in 2..=8 {
            let orientation = Orientation::from_exif(number).unwrap();
            assert_eq!(read(&write(orientation).unwrap()), orientation);
        }
        assert_eq!(write(Orientation::NoTransforms), None);
    }
}
