//! The page at `/start/`: a small front end on this API, which the demo serves.
//!
//! Its sources are in `examples/start`; what is embedded here is built from them, and committed, so
//! that the demo needs no other tool. `tests/browser` builds it again and compares.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};

use crate::http::Reply;

/// A file of the page.
struct File {
    path: &'static str,
    media: &'static str,
    bytes: &'static [u8],
}

const FILES: [File; 4] = [
    File {
        path: "/start/",
        media: "text/html; charset=utf-8",
        bytes: include_bytes!("../../examples/start/dist/index.html"),
    },
    File {
        path: "/start/start.js",
        media: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../examples/start/dist/start.js"),
    },
    File {
        path: "/start/start.css",
        media: "text/css; charset=utf-8",
        bytes: include_bytes!("../../examples/start/dist/start.css"),
    },
    File {
        path: "/start/icon.svg",
        media: "image/svg+xml",
        bytes: include_bytes!("../../examples/start/dist/icon.svg"),
    },
];

/// The page loads its own files and calls this server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Mounts the page beside the API, for `App::configure`.
pub fn mount(service: &mut ServiceConfig) {
    for file in &FILES {
        let show = move |request: HttpRequest| async move {
            Reply::bytes(file.media, file.bytes.to_vec(), None).with_policy(POLICY).respond(&request)
        };
        service.service(web::resource(file.path).route(web::get().to(show)).route(web::head().to(show)));
    }
    service.service(
        web::resource("/start").route(web::get().to(to_the_page)).route(web::head().to(to_the_page)),
    );
}

async fn to_the_page() -> impl Responder {
    HttpResponse::SeeOther().insert_header(("location", "/start/")).finish()
}
