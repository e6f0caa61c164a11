use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use domain::{Fault, Password, Random};

/// Kibibytes, passes and lanes: the least that OWASP's password storage cheat sheet names for argon2id.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// A hash at the same cost that no password is known to have.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password with a fresh salt, into a PHC string of some 100 characters.
pub fn hash_password(password: &Password, random: Random) -> Result<String, Fault> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(Fault::internal)?;
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.as_bytes(), &random.bytes::<16>())
        .map_err(Fault::internal)?;
    Ok(hash.to_string())
}

/// Whether the hash is this password's. No hash, for someone who does not exist, takes the same time and is `false`.
pub fn verify_password(password: &Password, hash: Option<&str>) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODYS)) else { return false };
    let matches = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    matches && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    fn hash(text: &str, salt: fn(&mut [u8])) -> String {
        hash_password(&password(text), Random(salt)).unwrap()
    }

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash("비밀번호 12345", |salt| salt.fill(7));

        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_password(&password("비밀번호 12345"), Some(&hash)));
        assert!(!verify_password(&password("비밀번호 12346"), Some(&hash)));
    }

    #[test]
    fn salt_makes_equal_passwords_look_different() {
        assert_ne!(hash("12345678", |salt| salt.fill(1)), hash("12345678", |salt| salt.fill(2)));
    }

    #[test]
    fn nobody_has_a_password() {
        assert!(!verify_password(&password("12345678"), None));
        assert!(!verify_password(&password("12345678"), Some("not a hash")));
    }

    #[test]
    fn nobodys_hash_costs_what_a_real_one_costs() {
        let (real, nobodys) = (hash("12345678", |salt| salt.fill(1)), PasswordHash::new(NOBODYS).unwrap());
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!(Params::try_from(&real).unwrap(), Params::try_from(&nobodys).unwrap());
        assert_eq!(real.hash.unwrap().len(), nobodys.hash.unwrap().len());
    }
}
