//! Where events come in and answers go out. A door knows nothing of models.

pub mod api_gateway;
