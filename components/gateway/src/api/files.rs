//! `/workspaces/{id}/files`

use crate::api::no_query;
use crate::bindings::types::PageRequest;
use crate::bindings::workspace::{self as wit, ByteRange, FileContent};
use crate::problem::Problem;
use crate::range::{self, Wanted};
use crate::request::Request;
use crate::respond::{Page, Reply, Response, json, no_content, ok};
use crate::shape::file::File;

/// The largest file that is taken at once.
const FILE_BYTES_MAX: u64 = swarm_flow_protocol::FILE_BYTES_MAX;

pub fn list(request: &Request) -> Result<Reply, Problem> {
    let query = request.query(&["path", "recursive", "limit", "cursor"])?;
    let page = PageRequest {
        cursor: query.text("cursor").map(str::to_owned),
        limit: query.limit()?,
    };
    let path = query.text("path").unwrap_or_default();
    let found = wit::list_files(request.parameter(0), path, query.flag("recursive")?, &page)?;
    ok(&Page::<File> {
        items: found.items.into_iter().map(Into::into).collect(),
        next_cursor: found.next,
    })
}

pub fn read(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let (id, path) = (request.parameter(0), request.parameter(1));
    let read = |range: Option<ByteRange>| wit::read_file(id, path, range).map_err(Problem::from);
    let Some(wanted) = request.headers.text("range").and_then(range::parse) else {
        return Ok(Reply::Whole(whole(read(None)?)));
    };
    let range = match wanted {
        Wanted::From { offset, length } => ByteRange { offset, length },
        Wanted::Last(count) => {
            // Where the end is, only the file's size tells: an empty part of it is read first.
            let size = read(Some(ByteRange {
                offset: 0,
                length: Some(0),
            }))?
            .info
            .size_bytes;
            if count == 0 {
                return Err(unsatisfiable(size));
            }
            ByteRange {
                offset: size.saturating_sub(count),
                length: Some(count),
            }
        }
    };
    part(read(Some(range))?).map(Reply::Whole)
}

pub fn write(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let bytes = request.bytes(FILE_BYTES_MAX)?;
    let (info, created) = wit::write_file(request.parameter(0), request.parameter(1), &bytes)?;
    json(if created { 201 } else { 200 }, &File::from(info)).map(Reply::Whole)
}

pub fn delete(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::delete_file(request.parameter(0), request.parameter(1))?;
    Ok(no_content())
}

/// A file is served as bytes and nothing else: what a guest wrote must not run in anyone's browser.
fn whole(content: FileContent) -> Response {
    Response::bytes(200, "application/octet-stream", content.bytes)
        .with_header("accept-ranges", "bytes".to_owned())
}

fn part(content: FileContent) -> Result<Response, Problem> {
    let size = content.info.size_bytes;
    let length = content.bytes.len() as u64;
    if length == 0 {
        return Err(unsatisfiable(size));
    }
    let (first, last) = (content.offset, content.offset + length - 1);
    Ok(
        Response::bytes(206, "application/octet-stream", content.bytes)
            .with_header("accept-ranges", "bytes".to_owned())
            .with_header("content-range", format!("bytes {first}-{last}/{size}")),
    )
}

fn unsatisfiable(size: u64) -> Problem {
    Problem::new(
        "range-not-satisfiable",
        format!("the file has {size} bytes"),
    )
    .with("size_bytes", size)
    .with_header("content-range", format!("bytes */{size}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::types::{FileInfo, FileKind};

    fn content(offset: u64, bytes: &[u8]) -> FileContent {
        let info = FileInfo {
            path: "a".to_owned(),
            kind: FileKind::File,
            size_bytes: 10,
            modified_at_ms: 0,
        };
        FileContent {
            info,
            offset,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn a_part_says_which_part_it_is() {
        let response = part(content(4, b"abc")).unwrap();
        assert_eq!(response.status, 206);
        assert!(
            response
                .headers
                .contains(&("content-range", "bytes 4-6/10".to_owned()))
        );
    }

    #[test]
    fn a_part_behind_the_end_is_refused_with_the_size() {
        let problem = part(content(10, b"")).err().unwrap();
        assert_eq!(
            (problem.status, problem.code),
            (416, "range-not-satisfiable")
        );
        assert_eq!(
            problem.headers,
            [("content-range", "bytes */10".to_owned())]
        );
    }
}
