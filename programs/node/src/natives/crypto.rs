//! Digests, message authentication and key derivation.

use super::bytes::lent;
use super::table::Table;
use digest::{Digest, DynDigest};
use hmac::{Hmac, Mac};
use rquickjs::prelude::Func;
use rquickjs::{Ctx, Exception, Object, Result, TypedArray};

thread_local! {
    static STATES: Table<State> = const { Table::new() };
}

enum State {
    Digest(Box<dyn DynDigest>),
    Mac(Box<dyn Authenticator>),
}

/// `Mac` as an object.
trait Authenticator {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> Vec<u8>;
}

impl<M: Mac + 'static> Authenticator for M {
    fn update(&mut self, bytes: &[u8]) {
        Mac::update(self, bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().into_bytes().to_vec()
    }
}

pub const ALGORITHMS: [&str; 12] = [
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha512-224",
    "sha512-256",
    "sha3-224",
    "sha3-256",
    "sha3-384",
    "sha3-512",
];

pub fn install<'js>(_: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set(
        "hashes",
        Func::from(|| ALGORITHMS.map(str::to_owned).to_vec()),
    )?;
    native.set(
        "hashNew",
        Func::from(|name: String| digest(&name).map(|state| keep(State::Digest(state)))),
    )?;
    native.set(
        "hmacNew",
        Func::from(|name: String, key: TypedArray<'_, u8>| {
            authenticator(&name, lent(&key)).map(|state| keep(State::Mac(state)))
        }),
    )?;
    native.set("hashUpdate", Func::from(update))?;
    native.set("hashCopy", Func::from(copy))?;
    native.set("hashFinish", Func::from(finish))?;
    native.set("pbkdf2", Func::from(pbkdf2))?;
    native.set("scrypt", Func::from(scrypt))
}

fn keep(state: State) -> u32 {
    STATES.with(|all| all.insert(state))
}

fn digest(name: &str) -> Option<Box<dyn DynDigest>> {
    Some(match name {
        "md5" => Box::new(md5::Md5::new()),
        "sha1" => Box::new(sha1::Sha1::new()),
        "sha224" => Box::new(sha2::Sha224::new()),
        "sha256" => Box::new(sha2::Sha256::new()),
        "sha384" => Box::new(sha2::Sha384::new()),
        "sha512" => Box::new(sha2::Sha512::new()),
        "sha512-224" => Box::new(sha2::Sha512_224::new()),
        "sha512-256" => Box::new(sha2::Sha512_256::new()),
        "sha3-224" => Box::new(sha3::Sha3_224::new()),
        "sha3-256" => Box::new(sha3::Sha3_256::new()),
        "sha3-384" => Box::new(sha3::Sha3_384::new()),
        "sha3-512" => Box::new(sha3::Sha3_512::new()),
        _ => return None,
    })
}

fn authenticator(name: &str, key: &[u8]) -> Option<Box<dyn Authenticator>> {
    fn boxed<M: Mac + digest::KeyInit + 'static>(key: &[u8]) -> Option<Box<dyn Authenticator>> {
        let mac = <M as Mac>::new_from_slice(key).ok()?;
        Some(Box::new(mac))
    }
    match name {
        "md5" => boxed::<Hmac<md5::Md5>>(key),
        "sha1" => boxed::<Hmac<sha1::Sha1>>(key),
        "sha224" => boxed::<Hmac<sha2::Sha224>>(key),
        "sha256" => boxed::<Hmac<sha2::Sha256>>(key),
        "sha384" => boxed::<Hmac<sha2::Sha384>>(key),
        "sha512" => boxed::<Hmac<sha2::Sha512>>(key),
        "sha3-256" => boxed::<Hmac<sha3::Sha3_256>>(key),
        "sha3-512" => boxed::<Hmac<sha3::Sha3_512>>(key),
        _ => None,
    }
}

fn update(id: u32, bytes: TypedArray<'_, u8>) {
    let bytes = lent(&bytes);
    STATES.with(|all| {
        all.with(id, |state| match state {
            State::Digest(digest) => digest.update(bytes),
            State::Mac(mac) => mac.update(bytes),
        })
    });
}

fn copy(id: u32) -> Option<u32> {
    let copy = STATES.with(|all| {
        all.with(id, |state| match state {
            State::Digest(digest) => Some(State::Digest(digest.box_clone())),
            State::Mac(_) => None,
        })
    });
    copy.flatten().map(keep)
}

fn finish<'js>(ctx: Ctx<'js>, id: u32) -> Result<TypedArray<'js, u8>> {
    let bytes = STATES.with(|all| match all.remove(id) {
        Some(State::Digest(digest)) => digest.finalize().to_vec(),
        Some(State::Mac(mac)) => mac.finish(),
        None => Vec::new(),
    });
    TypedArray::new(ctx, bytes)
}

fn pbkdf2<'js>(
    ctx: Ctx<'js>,
    name: String,
    password: TypedArray<'js, u8>,
    salt: TypedArray<'js, u8>,
    rounds: u32,
    length: usize,
) -> Result<TypedArray<'js, u8>> {
    let (password, salt) = (lent(&password), lent(&salt));
    let mut key = vec![0; length];
    match name.as_str() {
        "md5" => pbkdf2::pbkdf2_hmac::<md5::Md5>(password, salt, rounds, &mut key),
        "sha1" => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, salt, rounds, &mut key),
        "sha224" => pbkdf2::pbkdf2_hmac::<sha2::Sha224>(password, salt, rounds, &mut key),
        "sha256" => pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, rounds, &mut key),
        "sha384" => pbkdf2::pbkdf2_hmac::<sha2::Sha384>(password, salt, rounds, &mut key),
        "sha512" => pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, salt, rounds, &mut key),
        _ => {
            return Err(Exception::throw_type(
                &ctx,
                &format!("Invalid digest: {name}"),
            ));
        }
    }
    TypedArray::new(ctx, key)
}

fn scrypt<'js>(
    ctx: Ctx<'js>,
    password: TypedArray<'js, u8>,
    salt: TypedArray<'js, u8>,
    numbers: Vec<u32>,
    length: usize,
) -> Result<TypedArray<'js, u8>> {
    let invalid = || Exception::throw_range(&ctx, "Invalid scrypt params");
    let [log_cost, block, parallel] = numbers.try_into().map_err(|_| invalid())?;
    let parameters =
        scrypt::Params::new(log_cost as u8, block, parallel, 32).map_err(|_| invalid())?;
    let mut key = vec![0; length];
    let (password, salt) = (lent(&password), lent(&salt));
    scrypt::scrypt(password, salt, &parameters, &mut key).map_err(|_| invalid())?;
    TypedArray::new(ctx, key)
}
