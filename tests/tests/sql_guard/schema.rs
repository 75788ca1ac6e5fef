//! Migrations: the common types, and keys that a split table can keep.

use sqlparser::ast::{
    AlterTableOperation, ColumnDef, ColumnOption, CreateIndex, CreateTable, DataType, Expr,
    IndexColumn, ObjectName, Statement, TableConstraint,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::shards::Shards;
use super::words;

/// Breaches of one step of a migration, expanded for PostgreSQL.
pub fn check(shards: &Shards, step: &str) -> Vec<String> {
    let mut findings = words::check(step, Some(0));
    match Parser::parse_sql(&PostgreSqlDialect {}, step).as_deref() {
        Ok([Statement::CreateTable(table)]) => findings.extend(table_rules(shards, table)),
        Ok([Statement::CreateIndex(index)]) => findings.extend(index_rules(shards, index)),
        Ok([Statement::AlterTable(alter)]) => {
            for operation in &alter.operations {
                match operation {
                    AlterTableOperation::AddColumn { column_def, .. } => {
                        findings.extend(column_rules(column_def))
                    }
                    other => findings.push(format!(
                        "only ADD COLUMN is additive on both engines, not {other}"
                    )),
                }
            }
        }
        Ok(_) => findings.push(
            "one CREATE TABLE, CREATE INDEX or ALTER TABLE … ADD COLUMN for each step".into(),
        ),
        Err(why) => findings.push(why.to_string()),
    }
    findings
}

/// The table a step makes, to compare with the list.
pub fn made(step: &str) -> Option<String> {
    match Parser::parse_sql(&PostgreSqlDialect {}, step)
        .ok()?
        .as_slice()
    {
        [Statement::CreateTable(table)] => Some(bare(&table.name)),
        _ => None,
    }
}

fn table_rules(shards: &Shards, table: &CreateTable) -> Vec<String> {
    let name = bare(&table.name);
    let mut findings: Vec<String> = table.columns.iter().flat_map(column_rules).collect();
    let shard = shards.split.get(&name);
    if shard.is_none() && !shards.whole.contains(&name) {
        findings.push(format!(
            "{name} is neither split nor whole in docs/shards.toml"
        ));
    }
    let mut keys: Vec<Vec<String>> = Vec::new();
    let mut primary = 0;
    for column in &table.columns {
        for option in &column.options {
            match option.option {
                ColumnOption::PrimaryKey(_) => {
                    primary += 1;
                    keys.push(vec![column.name.value.clone()]);
                }
                ColumnOption::Unique(_) => keys.push(vec![column.name.value.clone()]),
                _ => {}
            }
        }
    }
    for constraint in &table.constraints {
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                primary += 1;
                keys.push(columns(&key.columns));
            }
            TableConstraint::Unique(key) => keys.push(columns(&key.columns)),
            TableConstraint::ForeignKey(key) => {
                keys.push(
                    key.columns
                        .iter()
                        .map(|column| column.value.clone())
                        .collect(),
                );
            }
            TableConstraint::Check(_) => {}
            other => findings.push(format!("not in the common subset: {other}")),
        }
    }
    if primary != 1 {
        findings.push(format!("{name} has {primary} primary keys"));
    }
    for key in keys
        .iter()
        .filter(|key| shard.is_some_and(|shard| !key.contains(shard)))
    {
        findings.push(format!("a key of {name} lacks its shard column: {key:?}"));
    }
    findings
}

fn index_rules(shards: &Shards, index: &CreateIndex) -> Vec<String> {
    let table = bare(&index.table_name);
    let mut findings = Vec::new();
    if index.name.is_none() {
        findings.push("an index without a name is called differently by each engine".into());
    }
    let shard = shards.split.get(&table);
    if index.unique && shard.is_some_and(|shard| !columns(&index.columns).contains(shard)) {
        findings.push(format!("a unique index of {table} lacks its shard column"));
    }
    findings
}

fn column_rules(column: &ColumnDef) -> Vec<String> {
    let mut findings = Vec::new();
    let name = &column.name.value;
    if !matches!(
        column.data_type,
        DataType::BigInt(None) | DataType::Text | DataType::Bytea | DataType::Boolean
    ) {
        findings.push(format!(
            "{name} is {}: BIGINT, TEXT, BYTEA or BOOLEAN",
            column.data_type
        ));
    }
    for option in &column.options {
        match &option.option {
            ColumnOption::Null
            | ColumnOption::NotNull
            | ColumnOption::PrimaryKey(_)
            | ColumnOption::Unique(_)
            | ColumnOption::Check(_) => {}
            ColumnOption::Default(value) if is_literal(value) => {}
            other => findings.push(format!("{name}: not in the common subset: {other}")),
        }
    }
    findings
}

fn is_literal(value: &Expr) -> bool {
    match value {
        Expr::Value(_) => true,
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) => is_literal(expr),
        _ => false,
    }
}

fn columns(columns: &[IndexColumn]) -> Vec<String> {
    columns
        .iter()
        .map(|column| column.column.expr.to_string())
        .collect()
}

fn bare(name: &ObjectName) -> String {
    name.to_string()
}
