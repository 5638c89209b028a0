//! Files, by the C library, whose error numbers become names on the JavaScript side.
//!
//! Each call gives what it found, or an error's number, negated. Paths are absolute: the JavaScript side resolves them,
//! because the C library's current directory is none that a user can change.

use libc::{c_char, c_int};
use rquickjs::prelude::Func;
use rquickjs::{Ctx, IntoJs, Object, Result, TypedArray, Value};
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

pub fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("errors", errors(ctx)?)?;
    native.set("openFlags", open_flags(ctx)?)?;
    native.set("open", Func::from(open))?;
    native.set(
        "close",
        Func::from(|fd: c_int| status(unsafe { libc::close(fd) })),
    )?;
    native.set("readFile", Func::from(read))?;
    native.set("writeFile", Func::from(write))?;
    native.set("readAll", Func::from(read_all))?;
    native.set(
        "truncate",
        Func::from(|fd: c_int, length: f64| {
            status(unsafe { libc::ftruncate(fd, length as libc::off_t) })
        }),
    )?;
    native.set(
        "sync",
        Func::from(|fd: c_int| status(unsafe { libc::fsync(fd) })),
    )?;
    native.set(
        "stat",
        Func::from(|path: String, follow: bool| {
            with_path(&path, |path| {
                stat(|found| unsafe {
                    if follow {
                        libc::stat(path, found)
                    } else {
                        libc::lstat(path, found)
                    }
                })
            })
        }),
    )?;
    native.set(
        "statFile",
        Func::from(|fd: c_int| stat(|found| unsafe { libc::fstat(fd, found) })),
    )?;
    native.set("kind", Func::from(kind))?;
    native.set(
        "mkdir",
        Func::from(|path: String| {
            with_path(&path, |path| status(unsafe { libc::mkdir(path, 0o777) }))
        }),
    )?;
    native.set(
        "rmdir",
        Func::from(|path: String| with_path(&path, |path| status(unsafe { libc::rmdir(path) }))),
    )?;
    native.set(
        "unlink",
        Func::from(|path: String| with_path(&path, |path| status(unsafe { libc::unlink(path) }))),
    )?;
    native.set(
        "rename",
        Func::from(|from: String, to: String| {
            two(&from, &to, |from, to| unsafe { libc::rename(from, to) })
        }),
    )?;
    native.set(
        "link",
        Func::from(|from: String, to: String| {
            two(&from, &to, |from, to| unsafe { libc::link(from, to) })
        }),
    )?;
    native.set(
        "symlink",
        Func::from(|target: String, path: String| {
            two(&target, &path, |target, path| unsafe {
                libc::symlink(target, path)
            })
        }),
    )?;
    native.set("readlink", Func::from(readlink))?;
    native.set("readdir", Func::from(readdir))?;
    native.set("utimes", Func::from(utimes))
}

/// A value, or the negated number of an error.
enum Found<T> {
    Value(T),
    Error(c_int),
}

impl<'js, T: IntoJs<'js>> IntoJs<'js> for Found<T> {
    fn into_js(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        match self {
            Self::Value(value) => value.into_js(ctx),
            Self::Error(number) => number.into_js(ctx),
        }
    }
}

trait Fails {
    fn failed(number: c_int) -> Self;
}

impl Fails for c_int {
    fn failed(number: c_int) -> Self {
        -number
    }
}

impl<T> Fails for Found<T> {
    fn failed(number: c_int) -> Self {
        Self::Error(-number)
    }
}

fn errno() -> c_int {
    std::io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EIO)
}

fn status(result: c_int) -> c_int {
    if result < 0 { -errno() } else { result }
}

fn with_path<R: Fails>(path: &str, act: impl FnOnce(*const c_char) -> R) -> R {
    match CString::new(path) {
        Ok(path) => act(path.as_ptr()),
        Err(_) => R::failed(libc::EINVAL),
    }
}

fn two(from: &str, to: &str, act: impl FnOnce(*const c_char, *const c_char) -> c_int) -> c_int {
    with_path(from, |from| with_path(to, |to| status(act(from, to))))
}

fn open(path: String, flags: c_int) -> c_int {
    with_path(&path, |path| {
        status(unsafe { libc::open(path, flags, 0o666) })
    })
}

/// Reads into a part of an array; from where the file is, if the position is negative.
fn read(
    fd: c_int,
    array: TypedArray<'_, u8>,
    offset: usize,
    length: usize,
    position: f64,
) -> c_int {
    let Some(part) = part(&array, offset, length) else {
        return -libc::EINVAL;
    };
    // SAFETY: `part` lies within the array, which lives as long as this call, and nothing else runs meanwhile.
    let count = unsafe {
        if position < 0.0 {
            libc::read(fd, part.cast(), length)
        } else {
            libc::pread(fd, part.cast(), length, position as libc::off_t)
        }
    };
    if count < 0 { -errno() } else { count as c_int }
}

fn write(
    fd: c_int,
    array: TypedArray<'_, u8>,
    offset: usize,
    length: usize,
    position: f64,
) -> c_int {
    let Some(part) = part(&array, offset, length) else {
        return -libc::EINVAL;
    };
    // SAFETY: as in `read`.
    let count = unsafe {
        if position < 0.0 {
            libc::write(fd, part.cast(), length)
        } else {
            libc::pwrite(fd, part.cast(), length, position as libc::off_t)
        }
    };
    if count < 0 { -errno() } else { count as c_int }
}

fn part(array: &TypedArray<'_, u8>, offset: usize, length: usize) -> Option<*mut u8> {
    let whole = array.as_raw()?;
    (offset.checked_add(length)? <= whole.len())
        .then(|| whole.as_ptr().cast::<u8>().wrapping_add(offset))
}

/// The rest of a file.
fn read_all<'js>(ctx: Ctx<'js>, fd: c_int) -> Result<Value<'js>> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut found = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: a zeroed `stat` is one, and the call fills it or leaves it.
    let size = unsafe {
        libc::fstat(fd, found.as_mut_ptr());
        found.assume_init().st_size
    };
    let mut piece = usize::try_from(size).unwrap_or(0).clamp(8 << 10, 16 << 20) + 1;
    loop {
        bytes.reserve(piece);
        // SAFETY: the room was just made.
        let count = unsafe { libc::read(fd, bytes.as_mut_ptr().add(bytes.len()).cast(), piece) };
        match count {
            0 => return TypedArray::<u8>::new(ctx.clone(), bytes)?.into_js(&ctx),
            1.. => unsafe { bytes.set_len(bytes.len() + count as usize) },
            _ => return (-errno()).into_js(&ctx),
        }
        piece = piece.max(64 << 10);
    }
}

/// dev, mode, nlink, ino, size, atime, mtime, ctime in milliseconds.
fn stat(call: impl FnOnce(*mut libc::stat) -> c_int) -> Found<Vec<f64>> {
    let mut found = MaybeUninit::<libc::stat>::zeroed();
    if call(found.as_mut_ptr()) < 0 {
        return Found::Error(-errno());
    }
    // SAFETY: zeroed, then filled.
    let found = unsafe { found.assume_init() };
    let ms = |time: libc::timespec| time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6;
    Found::Value(vec![
        found.st_dev as f64,
        f64::from(found.st_mode),
        found.st_nlink as f64,
        found.st_ino as f64,
        found.st_size as f64,
        ms(found.st_atim),
        ms(found.st_mtim),
        ms(found.st_ctim),
    ])
}

/// 1 a file, 2 a directory, 0 something else or nothing: for looking modules up.
fn kind(path: String) -> u32 {
    let Ok(path) = CString::new(path) else {
        return 0;
    };
    match stat(|found| unsafe { libc::stat(path.as_ptr(), found) }) {
        Found::Value(found) => match found.get(1).map(|mode| *mode as u32 & libc::S_IFMT) {
            Some(libc::S_IFREG) => 1,
            Some(libc::S_IFDIR) => 2,
            _ => 0,
        },
        Found::Error(_) => 0,
    }
}

fn readlink(path: String) -> Found<String> {
    let mut target = vec![0_u8; 4_096];
    with_path(&path, |path| {
        // SAFETY: the call writes no more than it is told of.
        let count = unsafe { libc::readlink(path, target.as_mut_ptr().cast(), target.len()) };
        match usize::try_from(count) {
            Ok(count) => Found::Value(
                String::from_utf8_lossy(target.get(..count).unwrap_or_default()).into_owned(),
            ),
            Err(_) => Found::Error(-errno()),
        }
    })
}

/// Names, each behind a letter for its kind: d, f, l or ?.
fn readdir(path: String) -> Found<Vec<String>> {
    with_path(&path, |path| {
        // SAFETY: the folder is closed after its last entry was copied.
        unsafe {
            let folder = libc::opendir(path);
            if folder.is_null() {
                return Found::Error(-errno());
            }
            let mut names = Vec::new();
            while let Some(entry) = libc::readdir(folder).as_ref() {
                let name = CStr::from_ptr(entry.d_name.as_ptr()).to_string_lossy();
                if name != "." && name != ".." {
                    let kind = match entry.d_type {
                        libc::DT_DIR => 'd',
                        libc::DT_REG => 'f',
                        libc::DT_LNK => 'l',
                        _ => '?',
                    };
                    names.push(format!("{kind}{name}"));
                }
            }
            libc::closedir(folder);
            names.sort_unstable_by(|a, b| a.get(1..).cmp(&b.get(1..)));
            Found::Value(names)
        }
    })
}

fn utimes(path: String, atime_ms: f64, mtime_ms: f64, follow: bool) -> c_int {
    let spec = |ms: f64| libc::timespec {
        tv_sec: (ms / 1e3).floor() as libc::time_t,
        tv_nsec: ((ms - (ms / 1e3).floor() * 1e3) * 1e6) as libc::c_long,
    };
    let times = [spec(atime_ms), spec(mtime_ms)];
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    with_path(&path, |path| {
        status(unsafe { libc::utimensat(libc::AT_FDCWD, path, times.as_ptr(), flags) })
    })
}

fn errors<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let errors = Object::new(ctx.clone())?;
    let known = [
        ("EACCES", libc::EACCES),
        ("EAGAIN", libc::EAGAIN),
        ("EBADF", libc::EBADF),
        ("EBUSY", libc::EBUSY),
        ("EEXIST", libc::EEXIST),
        ("EFBIG", libc::EFBIG),
        ("EINVAL", libc::EINVAL),
        ("EIO", libc::EIO),
        ("EISDIR", libc::EISDIR),
        ("ELOOP", libc::ELOOP),
        ("EMFILE", libc::EMFILE),
        ("EMLINK", libc::EMLINK),
        ("ENAMETOOLONG", libc::ENAMETOOLONG),
        ("ENFILE", libc::ENFILE),
        ("ENOENT", libc::ENOENT),
        ("ENOMEM", libc::ENOMEM),
        ("ENOSPC", libc::ENOSPC),
        ("ENOSYS", libc::ENOSYS),
        ("ENOTDIR", libc::ENOTDIR),
        ("ENOTEMPTY", libc::ENOTEMPTY),
        ("ENOTSUP", libc::ENOTSUP),
        ("EPERM", libc::EPERM),
        ("EPIPE", libc::EPIPE),
        ("EROFS", libc::EROFS),
        ("ESPIPE", libc::ESPIPE),
        ("EXDEV", libc::EXDEV),
        ("ENXIO", libc::ENXIO),
        ("EDQUOT", libc::EDQUOT),
        ("EACCES", libc::ENOTCAPABLE),
    ];
    for (name, number) in known {
        errors.set(number.to_string(), name)?;
    }
    Ok(errors)
}

fn open_flags<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let flags = Object::new(ctx.clone())?;
    let known = [
        ("O_RDONLY", libc::O_RDONLY),
        ("O_WRONLY", libc::O_WRONLY),
        ("O_RDWR", libc::O_RDWR),
        ("O_CREAT", libc::O_CREAT),
        ("O_EXCL", libc::O_EXCL),
        ("O_TRUNC", libc::O_TRUNC),
        ("O_APPEND", libc::O_APPEND),
        ("O_DIRECTORY", libc::O_DIRECTORY),
        ("O_NOFOLLOW", libc::O_NOFOLLOW),
    ];
    for (name, number) in known {
        flags.set(name, number)?;
    }
    Ok(flags)
}
