use std::array;

/// How many values a waveform has.
pub(crate) const WINDOWS: usize = 100;

/// How many parts of a second are measured apart.
const PARTS: u32 = 100;

/// A day of them.
const MOST_PARTS: usize = 8_640_000;

/// What is as quiet as this, in decibels below the loudest, is 0.
const QUIETEST: f32 = -50.0;

/// By how much of the heaviest window weights must differ to tell anything.
const EVEN: f32 = 0.1;

/// How loud a sound is over time.
#[derive(Default)]
pub(crate) struct Loudness {
    parts: Vec<Part>,
}

/// A hundredth of a second.
#[derive(Default, Clone, Copy)]
struct Part {
    squares: f32,
    samples: u32,
    bytes: f32,
}

impl Loudness {
    /// Hears samples from -1 to 1 that begin at a time, those of all channels together.
    pub(crate) fn hear(&mut self, from_ms: u64, rate: u32, channels: usize, samples: &[f32]) {
        let length = usize::try_from(rate / PARTS).unwrap_or(1).max(1) * channels.max(1);
        for (part, samples) in (part_of(from_ms)..).zip(samples.chunks(length)) {
            let Some(part) = self.part(part) else { return };
            part.squares += samples.iter().map(|sample| sample * sample).sum::<f32>();
            part.samples += u32::try_from(samples.len()).unwrap_or(0);
        }
    }

    /// Notes how many bytes tell what is heard for a while.
    pub(crate) fn weigh(&mut self, from_ms: u64, to_ms: u64, bytes: usize) {
        let range = part_of(from_ms)..part_of(to_ms).max(part_of(from_ms) + 1);
        let share = float(bytes) / float(range.len());
        for part in range {
            let Some(part) = self.part(part) else { return };
            part.bytes += share;
        }
    }

    /// The part at an index; none where nobody listens any more.
    fn part(&mut self, index: usize) -> Option<&mut Part> {
        if index >= MOST_PARTS {
            return None;
        }
        if index >= self.parts.len() {
            self.parts.resize(index + 1, Part::default());
        }
        self.parts.get_mut(index)
    }

    /// Values of what was heard, in so many milliseconds.
    pub(crate) fn heard(&self, duration_ms: u64) -> [u8; WINDOWS] {
        self.windows(duration_ms, |parts| {
            let samples: u32 = parts.iter().map(|part| part.samples).sum();
            let squares: f32 = parts.iter().map(|part| part.squares).sum();
            if samples == 0 { 0.0 } else { level((squares / count(samples)).sqrt()) }
        })
        .map(byte)
    }

    /// The same by how many bytes it took, where nothing was heard: silence takes fewer. Without a difference all of it is half as loud as
    /// it could be.
    pub(crate) fn weighed(&self, duration_ms: u64) -> [u8; WINDOWS] {
        let weights = self
            .windows(duration_ms, |parts| parts.iter().map(|part| part.bytes).sum::<f32>() / float(parts.len().max(1)));
        let mut sorted = weights;
        sorted.sort_unstable_by(f32::total_cmp);
        // A few windows may be far off, such as where a sound begins.
        let (least, most) = (sorted[WINDOWS / 20], sorted[WINDOWS - 1 - WINDOWS / 20]);
        let is_even = most - least <= most * EVEN;
        weights.map(|weight| byte(if is_even { 0.5 } else { (weight - least) / (most - least) }))
    }

    fn windows(&self, duration_ms: u64, value: impl Fn(&[Part]) -> f32) -> [f32; WINDOWS] {
        let all = part_of(duration_ms).max(1);
        array::from_fn(|index| {
            let from = index * all / WINDOWS;
            let end = ((index + 1) * all / WINDOWS).max(from + 1).min(self.parts.len());
            value(self.parts.get(from..end).unwrap_or_default())
        })
    }
}

/// Where between silence and the loudest a root of mean squares is, from 0 to 1.
fn level(mean: f32) -> f32 {
    1.0 - 20.0 * mean.log10() / QUIETEST
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut to the range first")]
fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[expect(clippy::cast_precision_loss, reason = "loudness is coarse")]
fn float(number: usize) -> f32 {
    number as f32
}

#[expect(clippy::cast_precision_loss, reason = "loudness is coarse")]
fn count(number: u32) -> f32 {
    number as f32
}

fn part_of(ms: u64) -> usize {
    usize::try_from(ms / 10).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waveform_is_silent_then_loud() {
        let mut loudness = Loudness::default();
        loudness.hear(0, 8_000, 1, &vec![0.0; 8_000]);
        loudness.hear(1_000, 8_000, 1, &vec![1.0; 8_000]);
        let windows = loudness.heard(2_000);
        assert!(windows[..50].iter().all(|value| *value == 0), "{windows:?}");
        assert!(windows[50..].iter().all(|value| *value == 255), "{windows:?}");
    }

    #[test]
    fn half_the_amplitude_is_six_decibels_less() {
        let mut loudness = Loudness::default();
        loudness.hear(0, 8_000, 2, &vec![0.5; 16_000]);
        assert_eq!(loudness.heard(1_000), [224; WINDOWS]);
    }

    #[test]
    fn packets_stand_for_what_is_not_decoded() {
        let mut loudness = Loudness::default();
        loudness.weigh(0, 500, 100);
        loudness.weigh(500, 1_000, 400);
        let windows = loudness.weighed(1_000);
        assert_eq!((windows[0], windows[99]), (0, 255));
        let mut even = Loudness::default();
        even.weigh(0, 1_000, 5_000);
        assert_eq!(even.weighed(1_000), [128; WINDOWS]);
    }
}
