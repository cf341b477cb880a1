//! [`Routes`]: the router that knows what is in it, so that a test can hold every route against the permission table.

use super::App;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    routing::{MethodRouter, delete as axum_delete, get as axum_get, post as axum_post, put as axum_put},
};

/// Paths, the methods that each takes, and their handlers.
#[derive(Default)]
pub struct Routes {
    router: Router<App>,
    listed: Vec<(&'static str, Vec<&'static str>)>,
}

/// The methods of one path with their handlers.
pub struct Verbs {
    router: MethodRouter<App>,
    methods: Vec<&'static str>,
}

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more path.
    #[must_use]
    pub fn route(mut self, path: &'static str, verbs: Verbs) -> Self {
        self.router = self.router.route(path, verbs.router);
        self.listed.push((path, verbs.methods));
        self
    }

    /// As axum takes it.
    pub fn router(self) -> Router<App> {
        self.router
    }

    /// Every method and path that has a handler.
    #[cfg(test)]
    pub fn listed(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.listed.iter().flat_map(|(path, methods)| methods.iter().map(move |m| (*m, *path)))
    }
}

macro_rules! verb {
    ($($name:ident $axum:ident $method:literal),*) => {
        $(
            /// Begins a path with this method.
            pub fn $name<H: Handler<T, App>, T: 'static>(handler: H) -> Verbs {
                Verbs { router: $axum(handler), methods: vec![$method] }
            }
        )*

        impl Verbs {
            $(
                /// This method as well.
                #[allow(dead_code)] // a path that takes two methods begins with one of them
                #[must_use]
                pub fn $name<H: Handler<T, App>, T: 'static>(mut self, handler: H) -> Self {
                    self.router = self.router.$name(handler);
                    self.methods.push($method);
                    self
                }
            )*

            /// Takes bodies up to so many bytes, instead of [`super::body::MOST`].
            #[must_use]
            pub fn body_limit(mut self, bytes: usize) -> Self {
                self.router = self.router.layer(DefaultBodyLimit::max(bytes));
                self
            }
        }
    };
}

verb!(get axum_get "GET", post axum_post "POST", put axum_put "PUT", delete axum_delete "DELETE");

#[cfg(test)]
mod tests {
    use crate::http::{permission::TABLE, routes};
    use std::collections::BTreeSet;

    #[test]
    fn every_route_has_a_row_in_the_permission_table_and_every_row_a_route() {
        let routes = routes();
        let listed: Vec<(&str, &str)> = routes.listed().collect();
        let here: BTreeSet<(&str, &str)> = listed.iter().copied().collect();
        assert_eq!(here.len(), listed.len(), "a route stands twice");
        let table: BTreeSet<(&str, &str)> = TABLE.iter().map(|r| (r.method, r.path)).collect();
        let without_row: Vec<_> = here.difference(&table).collect();
        let without_route: Vec<_> = table.difference(&here).collect();
        assert!(without_row.is_empty(), "routes that no row of the table lets anybody call: {without_row:?}");
        assert!(without_route.is_empty(), "rows of the table that no route serves: {without_route:?}");
    }
}
