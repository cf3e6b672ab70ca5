use crate::access::{AnyCaller, Db};
use crate::http::answer::{Answer, Json};
use crate::http::{Nothing, Routes, routes};

pub fn routes() -> Routes {
    routes! { "auth",
        "/v1/auth/me" {
            /// Who is calling.
            GET show_me
        }
    }
}

#[derive(serde::Serialize, utoipa::ToSchema)]
struct Me {
    name: String,
}

async fn show_me(db: Db<AnyCaller>) -> Answer<Json<Me>> {
    db.read((), Nothing, |_, (), ()| Ok(Json::new(Me { name: "x".into() }))).await
}
