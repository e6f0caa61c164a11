//! Words by how often they are said, and messages made of them.

use std::ops::Range;

use rand::{
    RngExt as _, SeedableRng as _,
    rngs::StdRng,
    seq::{IndexedRandom as _, SliceRandom as _},
};

use super::super::figures::count;

/// How many nouns there are.
const NOUNS: usize = 50_000;
/// How often the blank between two words is left out, in percent.
const LOST_BLANKS: u32 = 13;

#[rustfmt::skip]
const COMMON_NOUNS: [&str; 140] = [
    "회의", "오늘", "내일", "시간", "사람", "일정", "점심", "저녁", "서버", "배포", "확인", "자료", "문서", "사진", "파일", "주말", "회사", "학교", "친구", "엄마",
    "아빠", "동생", "전화", "메일", "문제", "오류", "고객", "결제", "주문", "배송", "환불", "계약", "견적", "보고", "결과", "발표", "준비", "연락", "약속", "장소",
    "택시", "버스", "기차", "공항", "호텔", "여행", "예약", "날씨", "우산", "커피", "치킨", "김밥", "라면", "맥주", "영화", "드라마", "노래", "공연", "운동", "병원",
    "약국", "은행", "카드", "계좌", "월급", "휴가", "출장", "출근", "퇴근", "야근", "면접", "합격", "시험", "숙제", "강의", "교수", "학생", "선생", "아이", "강아지",
    "고양이", "이사", "전세", "월세", "청소", "빨래", "냉장고", "컴퓨터", "노트북", "모니터", "키보드", "휴대폰", "충전기", "이어폰", "카메라", "비밀번호", "데이터",
    "데이터베이스", "프로젝트", "디자인", "기획", "개발", "테스트", "리뷰", "버그", "기능", "화면", "버튼", "로그", "장애", "점검", "백업", "보안", "인증", "권한", "계정",
    "팀장", "대표", "부장", "과장", "대리", "신입", "본사", "지점", "센터", "매장", "회의록", "보고서", "계획서", "신청서", "영수증", "주간회의", "인터넷", "홈페이지",
    "애플리케이션", "업데이트", "마감", "분기", "예산", "비용",
];
const VERBS: [&str; 24] = [
    "확인했",
    "배포했",
    "먹었",
    "갔",
    "봤",
    "올렸",
    "끝났",
    "바뀌었",
    "보냈",
    "받았",
    "찾았",
    "샀",
    "잊었",
    "늦었",
    "도착했",
    "시작했",
    "고쳤",
    "만들었",
    "물어봤",
    "정했",
    "옮겼",
    "취소했",
    "기다렸",
    "알겠",
];
const ENDINGS: [&str; 12] =
    ["습니다", "어요", "는데요", "어", "네요", "나요?", "지요", "던데요", "거든요", "습니까?", "다", "음"];
const PARTICLES: [&str; 18] = [
    "은", "는", "이", "가", "을", "를", "에", "에서", "으로", "도", "만", "까지", "부터", "의", "하고", "이랑", "에게",
    "처럼",
];
const ADVERBS: [&str; 24] = [
    "지금",
    "아까",
    "이따",
    "일단",
    "그냥",
    "진짜",
    "혹시",
    "다시",
    "먼저",
    "이번",
    "다음",
    "조금",
    "많이",
    "빨리",
    "아직",
    "이제",
    "같이",
    "혼자",
    "너무",
    "정말",
    "그럼",
    "근데",
    "네",
    "안녕하세요",
];
const ENGLISH: [&str; 40] = [
    "API",
    "PR",
    "DB",
    "deploy",
    "review",
    "merge",
    "server",
    "Docker",
    "Kubernetes",
    "Slack",
    "release",
    "hotfix",
    "build",
    "test",
    "frontend",
    "backend",
    "login",
    "token",
    "cache",
    "Redis",
    "MySQL",
    "MongoDB",
    "Rust",
    "lambda",
    "meeting",
    "schedule",
    "design",
    "Figma",
    "Excel",
    "PDF",
    "Wi-Fi",
    "KTX",
    "iPhone",
    "user_id",
    "README.md",
    "SELECT",
    "timeout",
    "branch",
    "commit",
    "rollback",
];
const JAMO: [&str; 10] = ["ㅋㅋ", "ㅋㅋㅋ", "ㅋㅋㅋㅋㅋ", "ㅎㅎ", "ㅠㅠ", "ㅜㅜ", "ㅇㅇ", "ㄱㄱ", "ㄱㅅ", "ㅇㅋ"];
const EMOJI: [&str; 10] = ["👍", "🙏", "😂", "🎉", "❤️", "😭", "🔥", "👀", "👍🏻", "✅"];
const FAMILIES: [&str; 20] = [
    "김", "이", "박", "최", "정", "강", "조", "윤", "장", "임", "한", "오", "서", "신", "권", "황", "안", "송", "전",
    "홍",
];
/// Syllables of made-up nouns and of given names; none with which a particle begins or ends that a query would lose.
const SYLLABLES: &str = "가각간갈감강개거건검겨경계고곡공과관광교구국군권그금급기길김나남내노녹논농누뉴다단달담당대덕동두등라락란람래력련로록론료류리림마만말망매맥면명모목무문물미민바박반발방배백번범법변별병보복본봉북분비빈사산삼상새색생서석선설성세소손송수순술스습승시식신실심아악안알암애야약양어언업여역연열영예오온옥완왕외요용우운울원월위유육은음의이인일임자작잔장재저적전절점정제조종좌주준중즉증지직진질집차창채책처천철청체초총추축춘출충취치친침카타탁탄태토통투파판팔패편평포표품풍피필하학한함합항해향허험혁현형호혼홍화환황회효후훈휴흥희";

/// Words, the first of which is said most often.
pub(super) struct Ranked {
    words: Vec<String>,
    /// How often a word or one before it is said.
    cumulative: Vec<f64>,
}

impl Ranked {
    /// By Zipf's law, a little flatter at the top.
    fn new(words: Vec<String>) -> Self {
        let mut sum = 0.0;
        let add = |rank| {
            sum += (count(rank) + 3.0).powf(-1.05);
            sum
        };
        let cumulative = (0..words.len()).map(add).collect();
        Self { words, cumulative }
    }

    fn pick(&self, rng: &mut StdRng) -> &str {
        let at = rng.random::<f64>() * self.cumulative.last().copied().unwrap_or_default();
        let rank = self.cumulative.partition_point(|sum| *sum < at);
        self.words.get(rank).map_or("", String::as_str)
    }

    /// One word of these ranks, each as likely.
    pub(super) fn among(&self, ranks: Range<usize>, rng: &mut StdRng) -> &str {
        self.words.get(rng.random_range(ranks)).map_or("", String::as_str)
    }
}

/// The words of all messages.
pub(super) struct Vocabulary {
    /// Real nouns first, then compounds of them and made-up ones.
    pub(super) nouns: Ranked,
    names: Ranked,
}

impl Vocabulary {
    /// How many of the nouns are real ones.
    pub(super) const COMMON: usize = COMMON_NOUNS.len();
    /// How many nouns there are at least.
    pub(super) const ALL: usize = NOUNS;

    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let syllables: Vec<char> = SYLLABLES.chars().collect();
        let mut rare: Vec<String> = (COMMON_NOUNS.len()..NOUNS)
            .map(|_| match rng.random_range(0..10) {
                0..4 => pick(&COMMON_NOUNS, &mut rng).to_owned() + pick(&COMMON_NOUNS, &mut rng),
                4..7 => word(&syllables, 2, &mut rng),
                7..9 => word(&syllables, 3, &mut rng),
                _ => word(&syllables, 4, &mut rng),
            })
            .collect();
        rare.shuffle(&mut rng);
        let nouns = COMMON_NOUNS.map(str::to_owned).into_iter().chain(rare).collect();
        let names = (0..8_700).map(|_| pick(&FAMILIES, &mut rng).to_owned() + &word(&syllables, 2, &mut rng)).collect();
        Self { nouns: Ranked::new(nouns), names: Ranked::new(names) }
    }

    /// A message. Half of them have 14 characters or fewer, some over a hundred.
    pub(super) fn message(&self, rng: &mut StdRng) -> String {
        let mut length = 1;
        while length < 40 && rng.random_bool(0.76) {
            length += 1;
        }
        let mut text = String::new();
        for at in 0..length {
            if at > 0 && !rng.random_ratio(LOST_BLANKS, 100) {
                text.push(' ');
            }
            self.push_word(&mut text, rng);
        }
        match rng.random_range(0..20) {
            0..2 => text = text + " " + pick(&JAMO, rng),
            2 => text = text + " " + pick(&EMOJI, rng),
            3..6 => text.push('.'),
            6 => text.push('~'),
            _ => {}
        }
        text
    }

    fn push_word(&self, text: &mut String, rng: &mut StdRng) {
        match rng.random_range(0..100) {
            0..50 => {
                text.push_str(self.nouns.pick(rng));
                if rng.random_bool(0.6) {
                    text.push_str(pick(&PARTICLES, rng));
                }
            }
            50..70 => {
                text.push_str(pick(&VERBS, rng));
                text.push_str(pick(&ENDINGS, rng));
            }
            70..83 => text.push_str(pick(&ADVERBS, rng)),
            83..89 => {
                text.push_str(self.names.pick(rng));
                text.push_str(pick(&["님", "씨", "이", "가", "은", "님이"], rng));
            }
            89..94 => {
                text.push_str(pick(&ENGLISH, rng));
                text.push_str(pick(&["", "", "를", "에서", "로"], rng));
            }
            94..98 => text.push_str(&number(rng)),
            98 => text.push_str(&link(rng)),
            _ => text.push_str(pick(&JAMO, rng)),
        }
    }

    pub(super) fn name(&self, rng: &mut StdRng) -> &str {
        self.names.pick(rng)
    }
}

/// A time, a day, a sum, a version or the number of a phone.
pub(super) fn number(rng: &mut StdRng) -> String {
    let mut below = |bound: u32| rng.random_range(1..bound);
    match below(7) {
        1 => format!("{}:{:02}", below(24), below(60)),
        2 => format!("{}월 {}일", below(13), below(29)),
        3 => format!("{},{:03}원", below(999), below(999)),
        4 => format!("v{}.{}.{}", below(5), below(30), below(20)),
        5 => format!("010-{:04}-{:04}", below(9_999), below(9_999)),
        _ => format!("2025-{:02}-{:02}", below(13), below(29)),
    }
}

fn link(rng: &mut StdRng) -> String {
    let (host, page) = (pick(&["docs", "git", "www"], rng), pick(&ENGLISH, rng));
    format!("https://{host}.example.com/{page}/{}", rng.random_range(1..9_999))
}

/// A verb as it is said most politely.
pub(super) fn polite_verb(rng: &mut StdRng) -> String {
    pick(&VERBS, rng).to_owned() + ENDINGS[0]
}

/// A word in Latin letters of three or more.
pub(super) fn latin(rng: &mut StdRng) -> String {
    loop {
        let word = pick(&ENGLISH, rng);
        if word.len() >= 3 && word.chars().all(|c| c.is_ascii_alphabetic()) {
            return word.to_lowercase();
        }
    }
}

/// Jamo or an emoji.
pub(super) fn sign(rng: &mut StdRng) -> &'static str {
    if rng.random_bool(0.6) { pick(&JAMO, rng) } else { pick(&["👍", "🙏", "😂", "🎉", "❤", "🔥"], rng) }
}

/// A word that nobody says, of syllables that everybody says.
pub(super) fn unheard(rng: &mut StdRng) -> String {
    let syllables: Vec<char> = COMMON_NOUNS.iter().flat_map(|noun| noun.chars()).collect();
    word(&syllables, 4, rng)
}

fn word(syllables: &[char], length: usize, rng: &mut StdRng) -> String {
    (0..length).filter_map(|_| syllables.choose(rng)).collect()
}

fn pick<'a>(words: &[&'a str], rng: &mut StdRng) -> &'a str {
    words.choose(rng).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_the_same_again_and_another_says_something_else() {
        let words = Vocabulary::new(1);
        let messages = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            (0..50).map(|_| words.message(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(messages(7), messages(7));
        assert_ne!(messages(7), messages(8));
    }

    #[test]
    fn messages_are_as_long_as_in_a_chat() {
        let (words, mut rng) = (Vocabulary::new(1), StdRng::seed_from_u64(1));
        let mut lengths: Vec<usize> = (0..5_000).map(|_| words.message(&mut rng).chars().count()).collect();
        lengths.sort_unstable();
        let mean = count(lengths.iter().sum()) / count(lengths.len());
        assert!((17.0..25.0).contains(&mean), "{mean}");
        assert!((12..20).contains(&lengths[2_500]), "{}", lengths[2_500]);
    }

    #[test]
    fn frequent_words_are_said_more_often_than_rare_ones() {
        let (words, mut rng) = (Vocabulary::new(1), StdRng::seed_from_u64(1));
        let mut of = |word: &str| (0..5_000).filter(|_| words.nouns.pick(&mut rng) == word).count();
        assert!(of("회의") > 5 * of("비용"));
    }
}
