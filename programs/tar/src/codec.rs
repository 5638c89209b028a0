//! The ways in which bytes are compressed.

use flate2::Compression;
use std::io::{self, BufReader, Read, Write};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Plain,
    Gzip,
    Zstd,
    Xz,
}

impl Codec {
    /// By the ending of a name.
    pub fn of_name(name: &str) -> Self {
        match name.rsplit('.').next() {
            Some("gz" | "tgz") => Self::Gzip,
            Some("zst" | "tzst") => Self::Zstd,
            Some("xz" | "txz") => Self::Xz,
            _ => Self::Plain,
        }
    }

    /// By how the bytes begin.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Self::Xz,
            _ => Self::Plain,
        }
    }

    pub fn ending(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Xz => ".xz",
        }
    }

    pub fn decompress(self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Plain => out.write_all(bytes),
            Self::Gzip => io::copy(&mut flate2::bufread::MultiGzDecoder::new(bytes), out).map(drop),
            Self::Zstd => zstd(bytes, out),
            Self::Xz => lzma_rs::xz_decompress(&mut BufReader::new(bytes), out)
                .map_err(|error| io::Error::other(format!("{error:?}"))),
        }
    }

    pub fn compress(self, bytes: &[u8], level: u32, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Plain => out.write_all(bytes),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(out, Compression::new(level));
                encoder.write_all(bytes)?;
                encoder.finish().map(drop)
            }
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                ruzstd::encoding::compress(bytes, out, level);
                Ok(())
            }
            Self::Xz => Err(io::Error::other(
                "xz can be read here, not written; use gzip or zstd",
            )),
        }
    }
}

/// All frames, one behind the other.
fn zstd(mut bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(&mut bytes)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = decoder.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            out.write_all(buffer.get(..read).unwrap_or_default())?;
        }
    }
    Ok(())
}
