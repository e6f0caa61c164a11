use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use domain::{Fault, Password, Random, TypedPassword};
use std::hint::black_box;

/// Kibibytes, passes and lanes: the least that OWASP's password storage cheat sheet names for argon2id.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// A hash at the same cost that no password is known to have.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How many bytes of a password bcrypt knows.
const BCRYPT_BYTES: usize = 72;

/// The same of bcrypt.
const NOBODYS_BCRYPT: &str = "$2b$12$zgx5D1d4rjpO6NalTl6cvunEsSXRH0VNIlRSgj0RRWLtwT9jfGKxu";

/// Hashes a password with a fresh salt, into a PHC string of some 100 characters.
pub fn hash_password(password: &Password, random: Random) -> Result<String, Fault> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(Fault::internal)?;
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.as_bytes(), &random.bytes::<16>())
        .map_err(Fault::internal)?;
    Ok(hash.to_string())
}

/// Whether a password is the one that was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another one, or nobody's.
    Wrong,
    /// It is this one.
    Right,
    /// It is this one, and the hash is weaker than new ones are: it should be replaced. Never of a hash that knows a part of the
    /// password only, or whatever was typed behind that part would become the password.
    RightAndWeak,
}

/// Compares a password with a hash in PHC form, or with one of bcrypt as older systems have it, which knows the first 72 bytes and
/// those as they were typed. No hash, for someone who does not exist, is `Wrong`.
///
/// Whatever is wrong takes the same time: one comparison of either kind, where bcrypt's is at its customary cost of 12. So
/// nobody learns from a clock whether there is an account, nor what kind of hash it has.
pub fn verify_password(typed: &TypedPassword, hash: Option<&str>) -> Verdict {
    let (old, new) = match hash {
        Some(hash) if hash.starts_with("$2") => (Some(hash), None),
        hash => (None, hash),
    };
    if let Some(is_weak) = new.and_then(|hash| matches(typed.password(), hash)) {
        return if is_weak { Verdict::RightAndWeak } else { Verdict::Right };
    }
    if let Some(is_whole) = old.and_then(|hash| matches_bcrypt(typed, hash)) {
        return if is_whole { Verdict::RightAndWeak } else { Verdict::Right };
    }
    // The kind that was not compared is compared with nobody's.
    if new.is_none() {
        black_box(matches(typed.password(), NOBODYS));
    }
    if old.is_none() {
        black_box(matches_bcrypt(typed, NOBODYS_BCRYPT));
    }
    Verdict::Wrong
}

/// Whether a hash in PHC form is this password's, and weaker than new ones are.
fn matches(password: &Password, hash: &str) -> Option<bool> {
    let parsed = PasswordHash::new(hash).ok()?;
    Argon2::default().verify_password(password.as_bytes(), &parsed).ok()?;
    Some(is_weak(&parsed))
}

/// Whether a form of the password has this hash, and if so whether the hash knows all of it.
fn matches_bcrypt(typed: &TypedPassword, hash: &str) -> Option<bool> {
    let form = typed.forms().find(|form| bcrypt::verify(form, hash).unwrap_or(false))?;
    Some(form.len() <= BCRYPT_BYTES)
}

/// Whether the hash took less memory or time than new ones take.
fn is_weak(hash: &PasswordHash) -> bool {
    let (memory, passes, _) = COST;
    Params::try_from(hash).is_ok_and(|params| params.m_cost() < memory || params.t_cost() < passes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization as _;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    fn typed(text: &str) -> TypedPassword {
        TypedPassword::parse(text).unwrap()
    }

    fn hash(text: &str, salt: fn(&mut [u8])) -> String {
        hash_password(&password(text), Random(salt)).unwrap()
    }

    #[test]
    fn password_matches_only_its_own_hash() {
        let hash = hash("비밀번호 12345", |salt| salt.fill(7));

        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify_password(&typed("비밀번호 12345"), Some(&hash)), Verdict::Right);
        assert_eq!(verify_password(&typed("비밀번호 12346"), Some(&hash)), Verdict::Wrong);
    }

    #[test]
    fn salt_makes_equal_passwords_look_different() {
        assert_ne!(hash("12345678", |salt| salt.fill(1)), hash("12345678", |salt| salt.fill(2)));
    }

    #[test]
    fn missing_hash_matches_no_password() {
        for hash in [None, Some("not a hash"), Some("$2b$12$short"), Some("")] {
            assert_eq!(verify_password(&typed("12345678"), hash), Verdict::Wrong, "{hash:?}");
        }
    }

    /// Made by Python's `bcrypt` at the least cost.
    const OLD: [(&str, &str); 3] = [
        ("correct horse battery", "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS"),
        ("비밀번호 12345", "$2b$04$abcdefghijklmnopqrstuuvEwl4LuDOcpCp2oVUgbXbt7mDwPxkg2"),
        ("short", "$2b$04$abcdefghijklmnopqrstuuugH8XjOPXLdX/a9t3zWaL96n4O4U8.G"),
    ];

    #[test]
    fn bcrypt_hash_is_verified_and_weak() {
        for (text, hash) in OLD {
            for version in ["$2a$", "$2b$", "$2y$"] {
                let hash = hash.replace("$2b$", version);
                assert_eq!(verify_password(&typed(text), Some(&hash)), Verdict::RightAndWeak, "{hash}");
                assert_eq!(verify_password(&typed("another one"), Some(&hash)), Verdict::Wrong, "{hash}");
            }
        }
    }

    #[test]
    fn hash_of_decomposed_text_matches_it() {
        let nfd: String = "비밀번호 1234".nfd().collect();
        let old = bcrypt::hash(&nfd, 4).unwrap();

        assert_eq!(verify_password(&typed(&nfd), Some(&old)), Verdict::RightAndWeak);
        assert_eq!(verify_password(&typed("비밀번호 1234"), Some(&old)), Verdict::Wrong);
        let ours = hash("비밀번호 1234", |salt| salt.fill(7));
        assert_eq!(verify_password(&typed(&nfd), Some(&ours)), Verdict::Right);
    }

    #[test]
    fn hash_of_a_truncated_password_is_not_replaced() {
        let (fits, longer) = ("a".repeat(72), "a".repeat(73));
        let old = bcrypt::hash(&longer, 4).unwrap();

        assert_eq!(verify_password(&typed(&fits), Some(&old)), Verdict::RightAndWeak);
        assert_eq!(verify_password(&typed(&longer), Some(&old)), Verdict::Right);
        assert_eq!(verify_password(&typed(&format!("{fits} and anything")), Some(&old)), Verdict::Right);
    }

    #[test]
    fn cheap_argon2_hash_is_weak() {
        let params = Params::new(8_192, 1, 1, None).unwrap();
        let cheap: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(b"12345678", &[7; 16])
            .unwrap();

        assert_eq!(verify_password(&typed("12345678"), Some(&cheap.to_string())), Verdict::RightAndWeak);
    }

    #[test]
    fn dummy_hash_costs_as_much_as_a_real_one() {
        let (real, nobodys) = (hash("12345678", |salt| salt.fill(1)), PasswordHash::new(NOBODYS).unwrap());
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!(Params::try_from(&real).unwrap(), Params::try_from(&nobodys).unwrap());
        assert_eq!(real.hash.unwrap().len(), nobodys.hash.unwrap().len());
        assert!(bcrypt::verify("nobody has this password", NOBODYS_BCRYPT).unwrap());
    }
}
