//! Registered statements: every split table is asked by its shard column.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, ConflictTarget, Delete, Expr, FromTable,
    FunctionArg, FunctionArgExpr, FunctionArguments, Insert, JoinConstraint, JoinOperator,
    ObjectName, OnConflictAction, OnInsert, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::shards::Shards;
use super::words;

/// Breaches of one statement, in PostgreSQL's dialect.
pub fn check(shards: &Shards, name: &str, text: &str, params: usize) -> Vec<String> {
    let mut findings = words::check(text, Some(params));
    let parsed = match Parser::parse_sql(&PostgreSqlDialect {}, text) {
        Ok(parsed) => parsed,
        Err(why) => return vec![why.to_string()],
    };
    let [statement] = parsed.as_slice() else {
        return vec!["not exactly one statement".into()];
    };
    let mut walk = Walk {
        shards,
        sweep: shards.sweeps.contains_key(name),
        findings: Vec::new(),
        keys: BTreeSet::new(),
        selects: 0,
        loose: false,
    };
    walk.statement(statement);
    if walk.selects != words::selects(text) {
        walk.findings
            .push("a subquery stands where the guard cannot read it".into());
    }
    if walk.keys.len() > 1 {
        walk.findings.push(format!(
            "tables of several shard keys in one statement: {:?}",
            walk.keys
        ));
    }
    if walk.sweep && !walk.loose {
        walk.findings
            .push("is listed as a sweep and is none".into());
    }
    findings.extend(walk.findings);
    findings
}

struct Walk<'a> {
    shards: &'a Shards,
    sweep: bool,
    findings: Vec<String>,
    /// Shard columns of all tables met.
    keys: BTreeSet<String>,
    selects: usize,
    /// Whether a split table was met without its shard.
    loose: bool,
}

/// A table of a block under the name it goes by.
#[derive(Clone)]
struct Named {
    alias: String,
    shard: String,
    bound: bool,
}

impl Walk<'_> {
    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Query(query) => self.query(query, &[]),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            other => self
                .findings
                .push(format!("not a query or a change of rows: {other}")),
        }
    }

    fn query(&mut self, query: &Query, outer: &[Named]) {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.query(&cte.query, outer);
        }
        self.body(&query.body, outer);
    }

    fn body(&mut self, body: &SetExpr, outer: &[Named]) {
        match body {
            SetExpr::Select(select) => self.select(select, outer),
            SetExpr::Query(query) => self.query(query, outer),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, outer);
                self.body(right, outer);
            }
            SetExpr::Values(_) => {}
            SetExpr::Update(inner) | SetExpr::Insert(inner) | SetExpr::Delete(inner) => {
                self.statement(inner)
            }
            other => self
                .findings
                .push(format!("the guard cannot read: {other}")),
        }
    }

    fn select(&mut self, select: &Select, outer: &[Named]) {
        self.selects += 1;
        let mut conditions: Vec<&Expr> = select.selection.iter().collect();
        let tables = self.tables(&select.from, &mut conditions, outer);
        let scope = self.bind(tables, &conditions, outer);
        let shown = select.projection.iter().filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        });
        for expr in shown.chain(conditions).chain(&select.having) {
            self.subqueries(expr, &scope);
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let TableObject::TableName(table) = &insert.table else {
            self.findings.push("inserts into no table".into());
            return;
        };
        if insert.or.is_some() || insert.replace_into {
            self.findings
                .push("INSERT OR … is SQLite's: use ON CONFLICT".into());
        }
        if let Some(query) = &insert.source {
            if matches!(*query.body, SetExpr::Values(_)) {
                if words::selects(&query.to_string()) > 0 {
                    self.findings
                        .push("a subquery inside VALUES is refused by clusters".into());
                }
            } else {
                self.query(query, &[]);
            }
        }
        let Some(shard) = self.shard_of(table) else {
            return;
        };
        if !insert.columns.iter().any(|column| last(column) == shard) {
            self.findings
                .push(format!("inserts into {table} without {shard}"));
        }
        match &insert.on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) => {
                match &conflict.conflict_target {
                    Some(ConflictTarget::Columns(columns))
                        if !columns.iter().any(|column| column.value == shard) =>
                    {
                        self.findings.push(format!(
                            "ON CONFLICT without {shard}: no unique key can lack it"
                        ));
                    }
                    Some(ConflictTarget::OnConstraint(_)) => {
                        self.findings
                            .push("ON CONFLICT names a constraint: name the columns".into());
                    }
                    _ => {}
                }
                if let OnConflictAction::DoUpdate(update) = &conflict.action {
                    self.keeps_shard(&update.assignments, &shard);
                }
            }
            Some(other) => self
                .findings
                .push(format!("not in the common subset:{other}")),
        }
    }

    fn update(&mut self, update: &Update) {
        if update.or.is_some() || update.limit.is_some() {
            self.findings
                .push("UPDATE OR … and UPDATE … LIMIT are not in the common subset".into());
        }
        let mut from = vec![update.table.clone()];
        match &update.from {
            Some(UpdateTableFromKind::AfterSet(more) | UpdateTableFromKind::BeforeSet(more)) => {
                from.extend(more.iter().cloned());
            }
            None => {}
        }
        if let TableFactor::Table { name, .. } = &update.table.relation
            && let Some(shard) = self.shard_of(name)
        {
            self.keeps_shard(&update.assignments, &shard);
        }
        let mut conditions: Vec<&Expr> = update.selection.iter().collect();
        let tables = self.tables(&from, &mut conditions, &[]);
        let scope = self.bind(tables, &conditions, &[]);
        let values = update
            .assignments
            .iter()
            .map(|assignment| &assignment.value);
        for expr in conditions.into_iter().chain(values) {
            self.subqueries(expr, &scope);
        }
    }

    fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let mut conditions: Vec<&Expr> = delete.selection.iter().collect();
        let tables = self.tables(from, &mut conditions, &[]);
        let scope = self.bind(tables, &conditions, &[]);
        for expr in conditions {
            self.subqueries(expr, &scope);
        }
    }

    fn keeps_shard(&mut self, assignments: &[Assignment], shard: &str) {
        let changed = assignments
            .iter()
            .any(|assignment| match &assignment.target {
                AssignmentTarget::ColumnName(column) => last(column) == shard,
                AssignmentTarget::Tuple(columns) => {
                    columns.iter().any(|column| last(column) == shard)
                }
            });
        if changed {
            self.findings.push(format!(
                "changes {shard}: a row cannot move between shards, insert and delete"
            ));
        }
    }

    /// The split tables of a FROM; conditions of joins are added to `conditions`.
    fn tables<'e>(
        &mut self,
        from: &'e [TableWithJoins],
        conditions: &mut Vec<&'e Expr>,
        outer: &[Named],
    ) -> Vec<Named> {
        let mut tables = Vec::new();
        for item in from {
            tables.extend(self.table(&item.relation, outer));
            for join in &item.joins {
                tables.extend(self.table(&join.relation, outer));
                match &join.join_operator {
                    JoinOperator::Join(JoinConstraint::On(on))
                    | JoinOperator::Inner(JoinConstraint::On(on))
                    | JoinOperator::Left(JoinConstraint::On(on))
                    | JoinOperator::LeftOuter(JoinConstraint::On(on)) => conditions.push(on),
                    other => self.findings.push(format!(
                        "join by JOIN … ON or LEFT JOIN … ON, not {other:?}"
                    )),
                }
            }
        }
        tables
    }

    fn table(&mut self, factor: &TableFactor, outer: &[Named]) -> Option<Named> {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let shard = self.shard_of(name)?;
                let alias = alias
                    .as_ref()
                    .map_or_else(|| last(name), |alias| alias.name.value.clone());
                Some(Named {
                    alias,
                    shard,
                    bound: false,
                })
            }
            TableFactor::Derived { subquery, .. } => {
                self.query(subquery, outer);
                None
            }
            other => {
                self.findings.push(format!("not a table: {other}"));
                None
            }
        }
    }

    /// Marks the tables whose shard column equals a parameter, directly or through another table,
    /// and complains about the rest.
    fn bind(
        &mut self,
        mut tables: Vec<Named>,
        conditions: &[&Expr],
        outer: &[Named],
    ) -> Vec<Named> {
        let mut equalities = Vec::new();
        for condition in conditions {
            conjuncts(condition, &mut equalities);
        }
        loop {
            let known: Vec<Named> = tables.iter().chain(outer).cloned().collect();
            let mut changed = false;
            for table in tables.iter_mut().filter(|table| !table.bound) {
                table.bound = equalities.iter().any(|(left, right)| {
                    (is_shard(left, table, &known) && is_fixed(right, table, &known))
                        || (is_shard(right, table, &known) && is_fixed(left, table, &known))
                });
                changed |= table.bound;
            }
            if !changed {
                break;
            }
        }
        for table in tables.iter().filter(|table| !table.bound) {
            self.loose = true;
            if !self.sweep {
                self.findings
                    .push(format!("asks {} without {} = $n", table.alias, table.shard));
            }
        }
        tables.extend(outer.iter().cloned());
        tables
    }

    fn shard_of(&mut self, table: &ObjectName) -> Option<String> {
        let name = last(table);
        let shard = self.shards.split.get(&name).cloned();
        self.keys.extend(shard.clone());
        shard
    }

    fn subqueries(&mut self, expr: &Expr, scope: &[Named]) {
        match expr {
            Expr::Subquery(query)
            | Expr::Exists {
                subquery: query, ..
            } => self.query(query, scope),
            Expr::InSubquery { expr, subquery, .. } => {
                self.subqueries(expr, scope);
                self.query(subquery, scope);
            }
            Expr::BinaryOp { left, right, .. } => {
                self.subqueries(left, scope);
                self.subqueries(right, scope);
            }
            Expr::UnaryOp { expr, .. }
            | Expr::Nested(expr)
            | Expr::IsNull(expr)
            | Expr::IsNotNull(expr)
            | Expr::Cast { expr, .. } => self.subqueries(expr, scope),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                let inner = conditions
                    .iter()
                    .flat_map(|when| [&when.condition, &when.result]);
                let ends = operand.iter().chain(else_result).map(AsRef::as_ref);
                for expr in ends.chain(inner) {
                    self.subqueries(expr, scope);
                }
            }
            Expr::Function(function) => {
                if let FunctionArguments::List(list) = &function.args {
                    for argument in &list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                            self.subqueries(expr, scope);
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// `a = b AND c = d` as its equalities; what stands under OR or NOT binds nothing.
fn conjuncts<'e>(expr: &'e Expr, into: &mut Vec<(&'e Expr, &'e Expr)>) {
    match expr {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            conjuncts(left, into);
            conjuncts(right, into);
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => into.push((left, right)),
        Expr::Nested(inner) => conjuncts(inner, into),
        _ => {}
    }
}

fn is_shard(expr: &Expr, table: &Named, known: &[Named]) -> bool {
    match expr {
        Expr::CompoundIdentifier(parts) => {
            let [alias, column] = parts.as_slice() else {
                return false;
            };
            alias.value == table.alias && column.value == table.shard
        }
        // A bare name belongs to the first table of the innermost block that has such a column.
        Expr::Identifier(column) => {
            let owner = known.iter().find(|other| other.shard == column.value);
            column.value == table.shard && owner.is_some_and(|owner| owner.alias == table.alias)
        }
        _ => false,
    }
}

/// A parameter, or the shard column of another table that is bound already.
fn is_fixed(expr: &Expr, table: &Named, known: &[Named]) -> bool {
    if let Expr::Value(value) = expr {
        return matches!(value.value, Value::Placeholder(_));
    }
    let others = known
        .iter()
        .filter(|other| other.bound && other.alias != table.alias);
    others.into_iter().any(|other| is_shard(expr, other, known))
}

fn last(name: &ObjectName) -> String {
    let part = name.0.last().and_then(|part| part.as_ident());
    part.map(|ident| ident.value.clone()).unwrap_or_default()
}
