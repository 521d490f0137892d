//! Port settings that PPP cannot use: it needs all eight bits, and a parity bit is one that its peer does not send.
//!
//! Every setting is followed along every way to `endproc`; one that is taken back on the way does no harm.

use super::flow::Flow;
use crate::scp::fault::{Fault, Faults};
use crate::scp::syntax::{Act, Parity, PortSetting, Procedure};

/// What a port may be set to at a statement: a set of the four combinations.
type States = u8;

/// As the connection has it, which is right.
const GOOD: States = 0b0001;

/// A state's bits: fewer than eight data bits; a parity bit.
const SHORT: u8 = 1;
const PARITY: u8 = 2;

pub(super) fn look(main: &Procedure, flow: &Flow, faults: &mut Faults) {
    let end = main.body.len();
    let mut states: Vec<States> = vec![0; end + 1];
    let mut open = vec![(0, GOOD)];
    // Each statement is looked at again only when a state is new to it: four times at most.
    while let Some((index, arriving)) = open.pop() {
        let Some(known) = states.get_mut(index) else { continue };
        if *known | arriving == *known {
            continue;
        }
        *known |= arriving;
        let leaving =
            main.body.get(index).map_or(*known, |statement| leave(&statement.act, *known));
        open.extend(flow.next(index).iter().map(|&next| (next, leaving)));
    }
    let at_end = states.get(end).copied().unwrap_or_default();
    let may_be = |bit: u8| (0..4_u8).any(|state| at_end & (1 << state) != 0 && state & bit != 0);
    if may_be(SHORT) {
        tell(main, flow, faults, "set port databits 8", |setting| {
            matches!(setting, PortSetting::DataBits(..8))
        });
    }
    if may_be(PARITY) {
        tell(main, flow, faults, "set port parity none", |setting| match setting {
            PortSetting::Parity(parity) => parity != Parity::None,
            PortSetting::DataBits(_) | PortSetting::StopBits(_) => false,
        });
    }
}

/// The states after a statement.
fn leave(act: &Act, states: States) -> States {
    let Act::SetPort(setting) = act else { return states };
    let mut leaving = 0;
    for state in (0..4_u8).filter(|state| states & (1 << state) != 0) {
        let state = match setting {
            PortSetting::DataBits(8..) => state & !SHORT,
            PortSetting::DataBits(_) => state | SHORT,
            PortSetting::Parity(Parity::None) => state & !PARITY,
            PortSetting::Parity(Parity::Odd | Parity::Even | Parity::Mark | Parity::Space) => {
                state | PARITY
            }
            PortSetting::StopBits(_) => state,
        };
        leaving |= 1 << state;
    }
    leaving
}

fn tell(
    main: &Procedure,
    flow: &Flow,
    faults: &mut Faults,
    cure: &str,
    bad: impl Fn(PortSetting) -> bool,
) {
    let last = main.body.iter().enumerate().rev().find(|(index, statement)| {
        let Act::SetPort(setting) = statement.act else { return false };
        flow.reaches(*index) && bad(setting)
    });
    if let Some((_, statement)) = last {
        let message = "PPP begins with this setting and cannot work with it";
        let cure = format!("write {cure} before endproc");
        faults.push(Fault::warning(statement.span, message, cure));
    }
}
