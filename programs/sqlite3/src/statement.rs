//! What of SQLite's interface has no safe form.

use rusqlite::ffi;
use std::ffi::CString;
use std::hash::{BuildHasher, RandomState};

/// Whether the text ends a statement: `;` within quotes, comments and triggers does not.
pub fn is_complete(text: &str) -> bool {
    let Ok(text) = CString::new(text) else {
        return true;
    };
    // SAFETY: the text is a string of C that lives through the call.
    unsafe { ffi::sqlite3_complete(text.as_ptr()) != 0 }
}

/// Gives `random()` a start of its own: SQLite looks for one in a device that a sandbox lacks.
pub fn seed() {
    let seed = RandomState::new().hash_one(0) as u32 & 0x7fff_ffff | 1;
    // SAFETY: that verb takes an integer and a connection, which may be none.
    unsafe {
        ffi::sqlite3_test_control(
            ffi::SQLITE_TESTCTRL_PRNG_SEED,
            seed as std::ffi::c_int,
            std::ptr::null_mut::<ffi::sqlite3>(),
        );
    }
}
