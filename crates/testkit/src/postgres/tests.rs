use super::*;

#[test]
fn databases_are_copied_from_a_filled_template_and_apart() {
    let make = || {
        databases().create_filled("testkit", |url| {
            run(url, "CREATE TABLE thing (id BIGINT PRIMARY KEY)").unwrap();
        })
    };
    let (one, two) = (make(), make());
    one.run("INSERT INTO thing VALUES (1)").unwrap();
    two.run("INSERT INTO thing VALUES (1)").unwrap();
    let refused = one.run("INSERT INTO thing VALUES (1)").unwrap_err();
    assert!(refused.starts_with("23505"), "{refused}");
}

#[test]
fn a_killed_server_comes_back_with_what_was_committed() {
    let cluster = Cluster::start(Durability::Full);
    let database = cluster.databases().create();
    database
        .run("CREATE TABLE thing (id BIGINT PRIMARY KEY); INSERT INTO thing VALUES (1)")
        .unwrap();
    cluster.kill();
    assert!(database.run("SELECT 1").is_err());
    cluster.start_again();
    let refused = database.run("INSERT INTO thing VALUES (1)").unwrap_err();
    assert!(refused.starts_with("23505"), "{refused}");
}

#[test]
fn a_frozen_server_answers_after_it_thaws() {
    let cluster = Cluster::start(Durability::None);
    let database = cluster.databases().create();
    cluster.freeze();
    let (done, answer) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| done.send(database.run("SELECT 1")));
        assert!(answer.recv_timeout(Duration::from_millis(300)).is_err());
        cluster.thaw();
        answer
            .recv_timeout(Duration::from_secs(10))
            .unwrap()
            .unwrap();
    });
}

/// The promise of the module: nothing is left when the test process is killed.
#[test]
fn nothing_is_left_of_a_cluster_whose_process_was_killed() {
    const CHILD: &str = "KABINET_TESTKIT_CHILD";
    if let Some(path) = std::env::var_os(CHILD) {
        let cluster = Cluster::start(Durability::None);
        fs::write(path, cluster.folder.to_str().unwrap()).unwrap();
        thread::sleep(Duration::from_secs(60));
        return;
    }
    let note = TempDir::new().unwrap();
    let note = note.path().join("folder");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::tests::nothing_is_left_of_a_cluster_whose_process_was_killed",
        ])
        .env(CHILD, &note)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the child made its cluster", || {
        note.exists() && fs::metadata(&note).unwrap().len() > 0
    });
    let folder = PathBuf::from(fs::read_to_string(&note).unwrap());
    assert!(folder.join("data").exists());
    let pid: u32 = fs::read_to_string(folder.join("data/postmaster.pid"))
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("the watcher stopped it", || !folder.exists() && gone(pid));
}
