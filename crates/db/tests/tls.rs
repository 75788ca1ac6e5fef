//! Encrypted connections to PostgreSQL.

use std::{path::Path, process::Command};

use db::{Db, DbError, DbSettings, OpenError, params};
use testkit::postgres::{Cluster, Durability};

mod sql {
    db::statements! {
        /// Whether this connection is encrypted.
        ENCRYPTED: "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()" () -> (Bool);
    }
}

/// An authority `ca.pem` and a certificate for `localhost` in `server.pem`, `server.key`.
fn certificates(folder: &Path) {
    let script = r#"
set -e; cd "$1"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out server.csr
printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' > ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem
chmod 755 .; chmod 600 server.key
if [ "$(id -u)" = 0 ]; then chown postgres server.key; fi
"#;
    let made = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

async fn encrypted(url: String) -> Result<bool, OpenError> {
    let settings = DbSettings::Postgres {
        url,
        connections: 2,
    };
    let db = Db::open(settings, testkit::TestClock::new()).await?;
    let answer: Result<bool, DbError> = db
        .read("test.encrypted", (), |tx, ()| {
            Box::pin(async move { tx.query_one(&sql::ENCRYPTED, params![]).await?.bool(0) })
        })
        .await;
    Ok(answer.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_decides() {
    if testkit::tools::in_path(&["openssl"]).is_none() {
        println!("skipped: openssl is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let cluster = Cluster::start(Durability::None);
    let database = cluster.databases().create();
    let path = folder.path().display();
    for line in [
        format!("ALTER SYSTEM SET ssl_cert_file = '{path}/server.pem'"),
        format!("ALTER SYSTEM SET ssl_key_file = '{path}/server.key'"),
        "ALTER SYSTEM SET ssl = on".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        cluster.databases().admin(&line).unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let number = database.url();
    let name = number.replace("127.0.0.1", "localhost");
    let root = format!("sslrootcert={path}/ca.pem");

    assert!(
        !encrypted(name.clone()).await.unwrap(),
        "this machine needs no encryption"
    );
    assert!(!encrypted(format!("{name}?sslmode=disable")).await.unwrap());
    assert!(encrypted(format!("{name}?sslmode=require")).await.unwrap());
    assert!(
        encrypted(format!("{number}?sslmode=require"))
            .await
            .unwrap()
    );
    assert!(
        encrypted(format!("{name}?sslmode=verify-full&{root}"))
            .await
            .unwrap()
    );
    // Another name than the certificate's, and an authority nobody here knows.
    let answer = encrypted(format!("{number}?sslmode=verify-full&{root}")).await;
    assert!(
        matches!(answer, Err(OpenError::Unreachable(_))),
        "{answer:?}"
    );
    let answer = encrypted(format!("{name}?sslmode=verify-full")).await;
    assert!(
        matches!(
            answer,
            Err(OpenError::Unreachable(_) | OpenError::Address(_))
        ),
        "{answer:?}"
    );

    // A server that speaks no TLS is not spoken to in plain text instead.
    cluster
        .databases()
        .admin("ALTER SYSTEM SET ssl = off")
        .unwrap();
    cluster
        .databases()
        .admin("SELECT pg_reload_conf()")
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let answer = encrypted(format!("{name}?sslmode=require")).await;
    assert!(
        matches!(answer, Err(OpenError::Unreachable(_))),
        "{answer:?}"
    );
}
