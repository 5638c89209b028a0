//! Where a listing goes on: the list's name and the position of the last item given.
//!
//! To a client a cursor is opaque. The name keeps a cursor of one list from being used on another.

/// The place after an item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<'a> {
    /// `workspaces`; lower-case letters.
    pub list: &'a str,
    /// Of the last item given: items come in order of a number that never changes.
    pub position: u64,
}

/// Not a cursor of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a cursor of this list; give the `next_cursor` of the page before, or none for the first page"
)]
pub struct InvalidCursor;

impl<'a> Cursor<'a> {
    pub fn encode(self) -> String {
        format!("{}-{:x}", self.list, self.position)
    }

    /// The position that `text` stands for, or 0 for the first page.
    pub fn position_of(list: &'a str, text: Option<&str>) -> Result<u64, InvalidCursor> {
        let Some(text) = text else { return Ok(0) };
        let digits = text
            .strip_prefix(list)
            .and_then(|rest| rest.strip_prefix('-'))
            .ok_or(InvalidCursor)?;
        let position = u64::from_str_radix(digits, 16).map_err(|_| InvalidCursor)?;
        // Only what was given out is taken back: no sign, no leading zero, nothing beyond the database's numbers.
        let given_out = Self { list, position }.encode() == text && i64::try_from(position).is_ok();
        if given_out {
            Ok(position)
        } else {
            Err(InvalidCursor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_for_its_list_only() {
        let text = Cursor {
            list: "workspaces",
            position: 500,
        }
        .encode();
        assert_eq!(Cursor::position_of("workspaces", Some(&text)), Ok(500));
        assert_eq!(
            Cursor::position_of("swarms", Some(&text)),
            Err(InvalidCursor)
        );
        assert_eq!(Cursor::position_of("swarms", None), Ok(0));
    }

    #[test]
    fn what_was_never_given_out_is_refused() {
        for text in [
            "",
            "swarms",
            "swarms-",
            "swarms-+1",
            "swarms-01",
            "swarms-g",
            "swarms-ffffffffffffffff",
        ] {
            assert_eq!(
                Cursor::position_of("swarms", Some(text)),
                Err(InvalidCursor),
                "{text}"
            );
        }
    }
}
