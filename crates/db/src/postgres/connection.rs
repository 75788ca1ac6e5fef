//! One connection to PostgreSQL, how the pool makes it and when it throws it away.

use std::{borrow::Cow, collections::HashMap};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};
use tokio_postgres::{Client, Config, NoTls, error::SqlState, tls::TlsStream};

use super::{Rows, tls::Tls, types::pg_types};
use crate::{Statement, statement::Engine};

/// Makes connections.
pub(crate) struct Maker {
    pub(crate) config: Config,
    /// `None` for plain text.
    pub(crate) tls: Option<Tls>,
}

/// A connection and what is prepared on it.
pub(crate) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    dead: bool,
    /// By the address of the statement, which is a constant: hashing its text on every call costs more
    /// than some of the answers.
    prepared: HashMap<(usize, Rows), tokio_postgres::Statement>,
}

impl Connection {
    /// The driver's side.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Prepares a statement, or answers what was prepared before.
    ///
    /// One that must touch one row is wrapped so that the server divides by zero when it touches another
    /// number: nobody reads its answer before COMMIT is on its way, and an error makes that a rollback.
    pub(crate) async fn prepare(
        &mut self,
        statement: &'static Statement,
        rows: Rows,
    ) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
        let key = (std::ptr::from_ref(statement).addr(), rows);
        if let Some(prepared) = self.prepared.get(&key) {
            return Ok(prepared.clone());
        }
        let text = statement.text_for(Engine::Postgres);
        let text = match rows {
            Rows::Any => Cow::Borrowed(text),
            Rows::One => Cow::Owned(format!(
                "WITH touched AS ({text} RETURNING 1) SELECT 1 / (count(*) = 1)::int FROM touched"
            )),
        };
        let prepared = self
            .client
            .prepare_typed(&text, &pg_types(statement.params))
            .await?;
        self.prepared.insert(key, prepared.clone());
        Ok(prepared)
    }

    /// Closes the socket at once, whatever is under way on it; the server undoes what was not committed.
    pub(crate) fn kill(&mut self) {
        self.dead = true;
        self.task.abort();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Manager for Maker {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let (client, task) = match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                (client, drive(connection))
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                (client, drive(connection))
            }
        };
        Ok(Connection {
            client,
            task,
            dead: false,
            prepared: HashMap::new(),
        })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        if connection.dead || connection.client.is_closed() {
            Err(RecycleError::message("closed"))
        } else {
            Ok(())
        }
    }
}

fn drive<S, T>(connection: tokio_postgres::Connection<S, T>) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the connection, which aborts it"
    )]
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            let code = error.code().map(SqlState::code);
            tracing::warn!(code, "a database connection ended");
        }
    })
}
