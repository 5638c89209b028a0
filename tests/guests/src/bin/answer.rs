//! Answers HTTP requests, well or badly, as the path says.

use std::io::Write;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Answer;

wasi::http::proxy::export!(Answer);

impl wasi::exports::http::incoming_handler::Guest for Answer {
    #[expect(clippy::panic, reason = "trapping is the point")]
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        match path.as_str() {
            // Neither answers nor ends.
            "/spin" => loop {
                std::hint::black_box(());
            },
            "/trap" => panic!("before the answer"),
            "/nothing" => {}
            // Traps in the middle of its answer.
            "/half" => {
                let body = begin(answer);
                if let Ok(mut out) = body.write() {
                    _ = out.write_all(b"half of it");
                    _ = out.flush();
                }
                panic!("in the middle of the answer");
            }
            _ => {
                let authority = request.authority().unwrap_or_default();
                println!("asked for {path}");
                let body = begin(answer);
                if let Ok(mut out) = body.write() {
                    let greeting = std::env::var("GREETING").unwrap_or_default();
                    _ = write!(out, "{greeting} {authority} {path}");
                    _ = out.flush();
                }
                _ = OutgoingBody::finish(body, None);
            }
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a response has its body once")]
fn begin(answer: ResponseOutparam) -> OutgoingBody {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().unwrap();
    ResponseOutparam::set(answer, Ok(response));
    body
}

fn main() {}
