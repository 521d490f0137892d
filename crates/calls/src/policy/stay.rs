//! Whether a PPP caller may have a network on this very call: the account's rules, and whether he must be called
//! back first.
//!
//! The account's rules are [`serves`]'s.

use super::{Refusal, RefusalKind, serves};
use crate::config::Config;
use crate::config::user::{Direct, Service};
use crate::vocabulary::{Leg, Wall};

/// Why a user whose name is proved gets no network on a call of this leg; nothing if he does.
///
/// # Errors
/// The first rule that objects.
pub(crate) fn stay(config: &Config, name: &str, leg: Leg, at: Wall) -> Result<(), Refusal> {
    serves(config, name, Service::Ppp, leg, at)?;
    let user = config.user(name);
    let Some(user) = user.filter(|_| leg == Leg::Request) else { return Ok(()) };
    let refused = |rule: &str, because: String| {
        Err(Refusal::new(RefusalKind::Service, rule.to_owned(), because))
    };
    if user.direct == Direct::Never {
        return refused("user.direct", format!("{name} is served on return calls only"));
    }
    if user.callback.as_ref().is_some_and(|callback| callback.required) {
        return refused("callback.required", format!("{name} must be called back"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ppp_config;

    #[track_caller]
    fn check(keys: &str, leg: Leg, wanted: &str) {
        let config = ppp_config("", &format!("[[user]]\nname = \"carol\"\n{keys}\n"));
        // A Sunday, 17:00 in Greenwich.
        let at = Wall { unix_ms: 1_800_205_200_000, offset_s: 0 };
        let got = stay(&config, "carol", leg, at);
        let got = got.err().map_or("stays".to_owned(), |refusal| refusal.rule);
        assert_eq!(got, wanted, "{keys} on {leg:?}");
    }

    #[test]
    fn the_account_decides_who_stays_on_the_call() {
        use Leg::{Request, Return};
        check("", Request, "stays");
        check("disabled = true", Request, "user.disabled");
        check("disabled = true", Return, "user.disabled");
        check("expires = \"2020-01-01\"", Return, "user.expires");
        check("windows = \"mon-fri 08:00-18:00\"", Request, "user.window");
        check("windows = \"mon-fri 08:00-18:00\"", Return, "stays");
        check("services = \"login\"", Request, "user.service");
        check("services = [\"login\", \"ppp\"]", Request, "stays");
        check("direct = \"never\"", Request, "user.direct");
        check("direct = \"never\"", Return, "stays");
        check(
            "callback = { numbers = \"5550199\", required = true }",
            Request,
            "callback.required",
        );
        check("callback = { numbers = \"5550199\", required = true }", Return, "stays");
        check("callback = { numbers = \"5550199\" }", Request, "stays");
    }
}
