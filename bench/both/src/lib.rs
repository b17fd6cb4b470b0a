//! One body behind two doors: the function of a Sotto app, and a handler of `wasi:http`. Both give
//! back what they were told, so that what is measured is how each is called.

#![allow(clippy::all, unsafe_code, reason = "for the most part written by wit-bindgen")]

wit_bindgen::generate!({
    inline: "
        package bench:both;
        world both {
            include sotto:app/function@0.1.0;
            export wasi:http/incoming-handler@0.2.12;
        }
    ",
    path: "../../wit",
    world: "bench:both/both",
    generate_all,
});

use exports::wasi::http::incoming_handler;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasi::io::streams::StreamError;

/// How much `wasi:io` takes at once.
const CHUNK: usize = 4096;

struct Both;
export!(Both);

fn body(input: Vec<u8>) -> Vec<u8> {
    input
}

impl Guest for Both {
    fn run(call: sotto::app::types::Call) -> Result<Vec<u8>, String> {
        Ok(body(call.payload))
    }
}

impl incoming_handler::Guest for Both {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let output = body(read(request));
        let fields = Fields::new();
        let length = output.len().to_string().into_bytes();
        fields.append("content-length", &length).unwrap();
        let response = OutgoingResponse::new(fields);
        let outgoing = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = outgoing.write().unwrap();
        for chunk in output.chunks(CHUNK) {
            stream.blocking_write_and_flush(chunk).unwrap();
        }
        drop(stream);
        OutgoingBody::finish(outgoing, None).unwrap();
    }
}

fn read(request: IncomingRequest) -> Vec<u8> {
    let body = request.consume().unwrap();
    let stream = body.stream().unwrap();
    let mut input = Vec::new();
    loop {
        match stream.blocking_read(1 << 20) {
            Ok(more) => input.extend(more),
            Err(StreamError::Closed) => return input,
            Err(other) => panic!("{other:?}"),
        }
    }
}
