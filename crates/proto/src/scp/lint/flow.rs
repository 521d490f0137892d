//! Which statement can follow which.
//!
//! Only what is written as TRUE or FALSE is taken to be known; every other condition may come out either way.

use std::collections::BTreeMap;

use crate::scp::syntax::{Act, Expression, Statement, Term, What};

/// The ways through a procedure. The statement behind the last one stands for `endproc`.
pub(super) struct Flow {
    next: Vec<Vec<usize>>,
    reached: Vec<bool>,
}

impl Flow {
    pub(super) fn new(source: &[u8], body: &[Statement]) -> Self {
        let labels: BTreeMap<Vec<u8>, usize> = body
            .iter()
            .enumerate()
            .filter(|(_, statement)| matches!(statement.act, Act::Label))
            .map(|(index, statement)| (statement.word.of(source).to_ascii_lowercase(), index))
            .collect();
        let next = body.iter().enumerate().map(|(index, statement)| {
            let goal = |label: &crate::scp::Span| {
                labels.get(&label.of(source).to_ascii_lowercase()).copied()
            };
            successors(index, &statement.act, goal)
        });
        let mut flow = Self { next: next.collect(), reached: vec![false; body.len() + 1] };
        flow.walk();
        flow
    }

    fn walk(&mut self) {
        let mut open = vec![0];
        while let Some(index) = open.pop() {
            let Some(reached) = self.reached.get_mut(index) else { continue };
            if !std::mem::replace(reached, true) {
                open.extend(self.next(index));
            }
        }
    }

    /// Whether a script can come to a statement.
    pub(super) fn reaches(&self, statement: usize) -> bool {
        self.reached.get(statement).copied().unwrap_or(false)
    }

    /// What can follow a statement.
    pub(super) fn next(&self, statement: usize) -> &[usize] {
        self.next.get(statement).map_or(&[], Vec::as_slice)
    }
}

fn successors(
    index: usize,
    act: &Act,
    goal: impl Fn(&crate::scp::Span) -> Option<usize>,
) -> Vec<usize> {
    let next = index + 1;
    match act {
        Act::Goto { label } => goal(label).into_iter().collect(),
        Act::Halt => Vec::new(),
        Act::If { condition, close } => branch(condition, next, *close),
        Act::While { condition, close } => branch(condition, next, close.saturating_add(1)),
        Act::EndWhile { open } => vec![*open],
        Act::Waitfor { cases, until } => {
            let falls_through = until.is_some() || cases.iter().any(|case| case.label.is_none());
            let goals = cases.iter().filter_map(|case| case.label.as_ref().and_then(&goal));
            goals.chain(falls_through.then_some(next)).collect()
        }
        Act::Assign { .. }
        | Act::Label
        | Act::Transmit { .. }
        | Act::Delay(_)
        | Act::EndIf
        | Act::SetAddress(_)
        | Act::SetPort(_)
        | Act::SetKeyboard(_)
        | Act::GetIp(_) => vec![next],
    }
}

fn branch(condition: &Expression, held: usize, not: usize) -> Vec<usize> {
    match condition.terms.as_slice() {
        [Term { what: What::Boolean(true), .. }] => vec![held],
        [Term { what: What::Boolean(false), .. }] => vec![not],
        _ => vec![held, not],
    }
}
