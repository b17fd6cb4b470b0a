//! What a benchmark found: a table for a reader, or one JSON object
//! `{name, machine, ratios: {...}, rows: [...]}` for a program.

use serde_json::{Map, Value, json};

use crate::machine::{load, machine};
use crate::measure::Spread;

/// The findings of one benchmark.
pub struct Report {
    name: &'static str,
    machine: Value,
    ratios: Vec<(String, f64)>,
    rows: Vec<Row>,
}

/// One number: measured, computed from measured ones, or known to be missing.
struct Row {
    name: String,
    unit: &'static str,
    value: Option<f64>,
    spread: Option<Spread>,
    note: String,
}

impl Report {
    /// An empty report; the machine is looked at now, before it is put to work.
    pub fn new(name: &'static str) -> Report {
        Report { name, machine: machine(), ratios: Vec::new(), rows: Vec::new() }
    }

    /// A ratio: what can be compared between machines.
    pub fn ratio(&mut self, name: impl Into<String>, value: f64) {
        self.ratios.push((name.into(), value));
    }

    /// Something measured, in microseconds.
    pub fn measured(&mut self, name: impl Into<String>, spread: &Spread, note: &str) {
        self.row(name.into(), "us", Some(spread.median), Some(*spread), note);
    }

    /// Something computed from what was measured.
    pub fn computed(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        note: &str,
    ) {
        self.row(name.into(), unit, Some(value), None, note);
    }

    /// Something that belongs here and cannot be measured yet.
    pub fn missing(&mut self, name: impl Into<String>, unit: &'static str, why: &str) {
        self.row(name.into(), unit, None, None, why);
    }

    fn row(
        &mut self,
        name: String,
        unit: &'static str,
        value: Option<f64>,
        spread: Option<Spread>,
        note: &str,
    ) {
        self.rows.push(Row { name, unit, value, spread, note: note.to_owned() });
    }

    /// Prints it, on standard output.
    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
        } else {
            print!("{}", self.table());
        }
    }

    fn json(&self) -> Value {
        let mut machine = self.machine.clone();
        machine["load_after"] = json!(load());
        let ratios: Map<String, Value> =
            self.ratios.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        json!({ "name": self.name, "machine": machine, "ratios": ratios, "rows": rows })
    }

    fn table(&self) -> String {
        let mut out = format!("{}\n", self.name);
        out += &format!("  machine {}\n  load after {}\n\n", self.machine, json!(load()));
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        out += &format!("  {:width$}  {:>10}  {:>21}  {:>6}\n", "", "median", "quartiles", "runs");
        for row in &self.rows {
            let value = row.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
            let (quartiles, runs) = row.spread.map_or_else(Default::default, |spread| {
                (format!("{:.2} .. {:.2}", spread.low, spread.high), spread.runs.to_string())
            });
            let Row { name, unit, note, .. } = row;
            let line = format!("  {name:width$}  {value:>10}  {quartiles:>21}  {runs:>6}  {unit}");
            let line = if note.is_empty() { line } else { format!("{line}  {note}") };
            out += &format!("{line}\n");
        }
        out.push('\n');
        for (name, value) in &self.ratios {
            out += &format!("  {name} = {value:.3}\n");
        }
        out
    }
}

impl Row {
    fn json(&self) -> Value {
        let mut row = json!({ "name": self.name, "unit": self.unit, "value": self.value });
        if let Some(spread) = self.spread {
            row["p25"] = json!(spread.low);
            row["p75"] = json!(spread.high);
            row["runs"] = json!(spread.runs);
        }
        if !self.note.is_empty() {
            row["note"] = json!(self.note);
        }
        row
    }
}

#[cfg(test)]
mod tests;
