//! The versions of the protocol that are spoken.

/// The one whose requests stand for themselves.
pub const MODERN: &str = "2026-07-28";
/// Those that begin with `initialize`, the newest first.
pub const LEGACY: [&str; 2] = ["2025-11-25", "2025-06-18"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Modern,
    Legacy,
}

/// All of them, the newest first.
pub fn supported() -> Vec<&'static str> {
    [MODERN].into_iter().chain(LEGACY).collect()
}

/// The version that a session gets which asks for another one.
pub fn agreed(asked: &str) -> &'static str {
    LEGACY
        .into_iter()
        .find(|known| *known == asked)
        .unwrap_or(LEGACY[0])
}
