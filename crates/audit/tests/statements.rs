//! The SQL of the log means the same on both engines and always finds its rows by a key.

use testkit::TestDb;

testkit::both_engines! {
    async fn every_statement_is_what_it_says(db: TestDb) {
        for statement in audit::STATEMENTS {
            let described = db.describe(statement).await.unwrap();
            assert_eq!(described.params, statement.params.len(), "{statement:?}");
            assert_eq!(described.columns.len(), statement.columns.len(), "{statement:?}");
            for (column, (engine, ours)) in described.columns.iter().zip(statement.columns).enumerate() {
                assert!(engine.is_none_or(|kind| kind.base() == ours.base()), "{statement:?}, column {column}");
            }
            let plan = db.explain(statement).await.unwrap();
            assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN "), "{statement:?}: {plan}");
        }
    }
}
