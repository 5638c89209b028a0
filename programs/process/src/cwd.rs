//! The directory that a program starts in.

/// Makes it the current directory of `std` and of the C library, which otherwise begin at `/`: `current_dir` says it, and
/// relative paths start there. For the first line of `main`.
pub fn start() {
    if let Ok(started_in) = std::env::var("PWD") {
        // Where it is not granted, relative paths lead to `.`, which is the same place.
        _ = std::env::set_current_dir(started_in);
    }
}
