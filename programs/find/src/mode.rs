//! `-perm`: what is asked of a mode, in digits or in `chmod`'s letters.

use std::str::FromStr;

pub struct Wanted {
    how: How,
    bits: u32,
}

enum How {
    Exactly,
    /// `-mode`
    All,
    /// `/mode`
    Any,
}

impl Wanted {
    pub fn holds(&self, mode: u32) -> bool {
        match self.how {
            How::Exactly => mode == self.bits,
            How::All => mode & self.bits == self.bits,
            How::Any => self.bits == 0 || mode & self.bits != 0,
        }
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (how, mode) = match text.split_at_checked(1) {
            Some(("-", mode)) => (How::All, mode),
            Some(("/", mode)) => (How::Any, mode),
            _ => (How::Exactly, text),
        };
        let digits = u32::from_str_radix(mode, 8)
            .ok()
            .filter(|bits| *bits <= 0o7777);
        match digits.or_else(|| letters(mode)) {
            Some(bits) => Ok(Self { how, bits }),
            None => Err(format!("invalid mode '{text}'")),
        }
    }
}

/// `u+rwx,g=rx`: from no bits at all.
fn letters(mode: &str) -> Option<u32> {
    let mut bits = 0;
    for clause in mode.split(',') {
        let sign = clause.find(['+', '-', '='])?;
        let (who, change) = clause.split_at(sign);
        let mut places = 0;
        for letter in who.chars() {
            places |= match letter {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        if who.is_empty() {
            places = 0o7777;
        }
        let mut named = 0;
        for letter in change.chars().skip(1) {
            named |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                _ => return None,
            };
        }
        match change.as_bytes().first() {
            Some(b'+') => bits |= named & places,
            Some(b'-') => bits &= !(named & places),
            _ => bits = bits & !places | named & places,
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn modes_are_asked_for() {
        for (wanted, mode, holds) in [
            ("644", 0o644, true),
            ("-u+x", 0o644, false),
            ("-u+x", 0o755, true),
            ("/111", 0o755, true),
            ("/u=x,g=x", 0o644, false),
            ("-o+w", 0o755, false),
            ("u=rw,go=r", 0o644, true),
        ] {
            assert_eq!(
                wanted.parse::<Wanted>().unwrap().holds(mode),
                holds,
                "{wanted}"
            );
        }
        assert!("x".parse::<Wanted>().is_err());
    }
}
