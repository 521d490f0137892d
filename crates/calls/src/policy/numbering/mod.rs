//! Telephone numbers as the world writes them: what a typed number means at this site, what kind of number
//! it is, and how each line dials it.
//!
//! ```text
//!   0049 (89) 1234 ─┐                                                      ┌─► line with 9 in front: 9,0891234
//!   089 1234 ───────┼─ normalise, with the Site ─► +49891234, class fixed ─┤
//!   1234 ───────────┘                                                      └─► SIM modem: +49891234
//! ```
//!
//! Policy decides about the middle: one form for each subscriber, whatever was typed. A [`DialPlan`] then
//! says it in the form that the line's exchange wants.
//!
//! An exchange acts on the digits that it has heard, not on the whole text: it connects `112` before the
//! rest of `11223344` has arrived. So kinds are found by prefixes, and what is in no plan is a kind of
//! its own, [`Class::Unknown`], which is not called either.
//!
//! A site without a country knows no kinds: digits are dialled as they were written.
//!
//! Nothing here knows who asks, or whether he may.

mod class;
mod plan;
mod site;
#[cfg(test)]
mod tests;
mod world;

pub use class::Class;
pub use plan::{DialPlan, Form, PlanFault};
pub use site::{Fault, Number, Site, normal, normalise};
pub use world::Country;
