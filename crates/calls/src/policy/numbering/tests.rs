//! Numbers of the world as a table (`tests/matrix.txt`), dial plans as another, and then very many numbers
//! that nobody would write.

use std::sync::Arc;

use proptest::prelude::*;
use proto::dial::{DialPrefix, PhoneNumber, is_dial_command};

use super::*;
use crate::config::user::Service;
use crate::config::{Config, ReturnLine};
use crate::policy::{Counters, Identity, Numbers, Request, decide};
use crate::testing::{LOGIN, TOML, config};
use crate::vocabulary::{Leg, Wall};

fn site(country: &str, area: &str, extensions: &[u32]) -> Site {
    let country = Country::named(country);
    assert!(country.is_some(), "a country");
    let own = ["+49895550100", "+49897700*"].map(str::to_owned).to_vec();
    Site {
        country,
        area: area.trim_start_matches('-').to_owned(),
        extensions: extensions.iter().map(|n| "x".repeat(*n as usize)).collect(),
        own,
        ..Site::default()
    }
}

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::NoCountry => "no-country",
        Fault::Pause => "pause",
        Fault::Length { .. } => "length",
        Fault::TooLong => "too-long",
        Fault::NoArea => "no-area",
    }
}

/// The rule by which policy decides about a number that an operator asks for, with the lines of `config`.
fn decided(config: &Config, number: &PhoneNumber) -> String {
    let numbers = [number.clone()];
    let request = Request {
        user: "operator",
        identity: Identity::Operator,
        service: Service::Login,
        numbers: Numbers::Operator(&numbers),
        return_line: &ReturnLine::Same,
        came_in_on: None,
        caller_id: None,
        leg: Leg::Request,
        at: Wall { unix_ms: 1_800_000_000_000, offset_s: 0 },
        counters: Counters::default(),
        marked: crate::policy::Marked::default(),
    };
    match decide(config, &request).answer {
        Ok(_) => "call".to_owned(),
        Err(refusal) => refusal.rule,
    }
}

/// A server at this site, that calls any number which no rule refuses.
fn at_site(site: Site) -> Config {
    let mut config = config(TOML, LOGIN);
    config.site = Arc::new(site);
    for line in &mut config.lines {
        line.dial_plan = Some(plan(&config.site));
    }
    config
}

/// One row: its number means that, is of that class, and is decided by that rule.
fn check(config: &Config, dialled: &str, wanted: [&str; 3]) -> Result<(), String> {
    let site = &config.site;
    let number = PhoneNumber::configured(dialled).map_err(|fault| format!("{dialled}: {fault}"))?;
    let rule = decided(config, &number);
    let [normal, class, _] = match normalise(&number, site) {
        Err(why) => [fault(why).to_owned(), "-".to_owned(), String::new()],
        Ok(number) => {
            let again = normalise(&number.to_phone_number().map_err(|f| f.to_string())?, site);
            if again.as_ref() != Ok(&number) {
                return Err(format!("{dialled}: {number} normalised again is {again:?}"));
            }
            let class = number.class().to_string();
            [number.to_string(), class, String::new()]
        }
    };
    let got = [normal, class, rule];
    if got == wanted { Ok(()) } else { Err(format!("{dialled}: {got:?}, wanted {wanted:?}")) }
}

#[test]
fn numbers_of_the_world_mean_what_their_exchanges_make_of_them() {
    let mut here = at_site(Site::default());
    let (mut rows, mut faults) = (0, Vec::new());
    let mut countries = std::collections::BTreeSet::new();
    for line in include_str!("tests/matrix.txt").lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["=", country, area, extensions @ ..] = &words[..] {
            let lengths: Vec<u32> = extensions.iter().map(|n| n.parse().unwrap()).collect();
            here = at_site(site(country, area, &lengths));
            countries.insert((*country).to_owned());
            continue;
        }
        rows += 1;
        let [dialled @ .., normal, class, rule] = &words[..] else { panic!("{line}") };
        if let Err(fault) = check(&here, &dialled.join(" "), [normal, class, rule]) {
            faults.push(fault);
        }
    }
    assert!(faults.is_empty(), "{} of {rows}:\n{}", faults.len(), faults.join("\n"));
    println!("{rows} numbers of {} countries", countries.len());
    assert!(rows >= 300 && countries.len() >= 30);
}

#[test]
fn countries_are_read_whole() {
    let germany = Country::named("DE").unwrap();
    assert_eq!((germany.code, germany.trunk, germany.international), ("49", "0", "00"));
    assert_eq!(germany.emergency, ["110", "112"]);
    assert_eq!(germany.lengths(), (4, 15));
    assert_eq!(Country::named("de"), None);
    assert_eq!(Country::named("XX"), None);
    for class in Class::ALL {
        assert_eq!(Class::named(class.name()), Some(class));
        assert_eq!(class.can_be_allowed(), class.denied_by().is_some() && class != Class::OwnLine);
    }
}

fn plan(site: &Arc<Site>) -> DialPlan {
    DialPlan { site: Arc::clone(site), ..DialPlan::default() }
}

fn rendered(plan: &DialPlan, number: &str) -> String {
    let prefix = DialPrefix::parse("ATDT").unwrap();
    match plan.render(&prefix, &PhoneNumber::configured(number).unwrap()) {
        Ok(command) => {
            assert!(is_dial_command(command.command()), "{command}");
            command.to_string()
        }
        Err(fault) => format!("refused: {fault}"),
    }
}

#[test]
fn each_line_dials_a_number_in_its_own_way() {
    let munich = Arc::new(site("DE", "89", &[3]));
    let new_york = Arc::new(site("US", "212", &[]));
    let oslo = Arc::new(site("NO", "", &[]));
    let seoul = Arc::new(Site { international: Some(String::new()), ..site("KR", "2", &[]) });
    let office = DialPlan { outside: "0,".to_owned(), ..plan(&munich) };
    let cheap = DialPlan { carrier: "01013".to_owned(), ..plan(&munich) };
    let local = DialPlan { form: Form::Local, outside: "9W".to_owned(), ..plan(&munich) };
    let abroad = DialPlan { form: Form::International, ..plan(&munich) };
    let sim = DialPlan {
        form: Form::International,
        international: Some("+".to_owned()),
        ..plan(&munich)
    };
    let slow =
        DialPlan { answer_pause: Some(",,,,".to_owned()), suffix: "@".to_owned(), ..plan(&munich) };
    let bare = DialPlan { national: Some(String::new()), ..plan(&new_york) };
    let nine = DialPlan { outside: "9".to_owned(), ..plan(&new_york) };
    let eleven =
        DialPlan { outside: "9".to_owned(), national: Some("11".to_owned()), ..plan(&new_york) };
    let emergency = "refused: dialled as 911";
    for (plan, number, wanted) in [
        (&plan(&munich), "+4989356550", "ATDT089356550"),
        (&plan(&munich), "356550", "ATDT089356550"),
        (&plan(&munich), "+12125550123", "ATDT0012125550123"),
        (&plan(&munich), "234", "ATDT234"),
        (&office, "+4989356550", "ATDT0,089356550"),
        (&office, "+12125550123", "ATDT0,0012125550123"),
        (&office, "234", "ATDT234"),
        (&office, "112", "ATDT0,112"),
        (&office, "#31#089356550", "ATDT0,#31#089356550"),
        (&cheap, "+4989356550", "ATDT01013089356550"),
        (&cheap, "+12125550123", "ATDT010130012125550123"),
        (&cheap, "11833", "ATDT11833"),
        (&local, "+4989356550", "ATDT9W356550"),
        (&local, "+4930356550", "ATDT9W030356550"),
        (&local, "+4989112550", "refused: dialled as 112550 it would reach an emergency service"),
        (&abroad, "089356550", "ATDT004989356550"),
        (&sim, "089356550", "ATDT+4989356550"),
        (&sim, "089356550,,42", "ATDT+4989356550,,42"),
        (&slow, "089356550,42", "ATDT089356550,,,,42@"),
        (&slow, "089356550", "ATDT089356550@"),
        (&plan(&new_york), "5550123", "ATDT12125550123"),
        (&plan(&new_york), "+442079460000", "ATDT011442079460000"),
        (&bare, "5550123", "ATDT2125550123"),
        (&nine, "5550123", "ATDT912125550123"),
        (&nine, "911", "ATDT9911"),
        (&eleven, "5550123", emergency),
        (&plan(&oslo), "22123456", "ATDT22123456"),
        (&plan(&oslo), "+4722123456", "ATDT22123456"),
        (&plan(&seoul), "+4722123456", "refused: no international prefix is known"),
        (&slow, "+4989356550,123456789012345678901234567", "refused: the dial command is longer"),
    ] {
        let got = rendered(plan, number);
        let cut = got.get(..wanted.len()).unwrap_or(&got);
        let got = if wanted.starts_with("refused") { cut } else { &got };
        assert_eq!(got, wanted, "{number} by {plan:?}");
    }
    assert!(matches!(
        normalise(&PhoneNumber::configured("5551234").unwrap(), &Site::default()),
        Err(Fault::NoCountry)
    ));
}

#[test]
fn patterns_mean_what_numbers_mean() {
    let munich = site("DE", "89", &[]);
    for (pattern, wanted) in [
        ("+4989", "+4989"),
        ("004989", "+4989"),
        ("089", "+4989"),
        ("0", "+49"),
        ("00", "+"),
        ("355", "+4989355"),
        ("", ""),
    ] {
        assert_eq!(munich.beginning(pattern).as_deref(), Some(wanted), "{pattern}");
    }
}

/// Plans and sites as odd as anybody may configure them.
fn lines() -> Vec<(DialPrefix, DialPlan)> {
    let munich = Arc::new(site("DE", "89", &[3]));
    let new_york = Arc::new(site("US", "212", &[4]));
    let moscow = Arc::new(site("RU", "495", &[]));
    [
        ("ATD", plan(&munich)),
        (
            "ATX3S7=60DT9,",
            DialPlan { outside: "0,".to_owned(), form: Form::Local, ..plan(&munich) },
        ),
        (
            "ATDT",
            DialPlan {
                carrier: "1010288".to_owned(),
                suffix: ",,1@".to_owned(),
                ..plan(&new_york)
            },
        ),
        ("ATD*31#", DialPlan { international: Some("+".to_owned()), ..plan(&moscow) }),
    ]
    .into_iter()
    .map(|(prefix, plan)| (DialPrefix::parse(prefix).unwrap(), plan))
    .collect()
}

/// Whatever `text` is: if a line dials it, then within the grammar; and its meaning does not change when
/// it is read a second time.
fn stays_in_the_grammar((prefix, plan): &(DialPrefix, DialPlan), text: &[u8]) -> u32 {
    let numbers = [
        PhoneNumber::typed(text).ok(),
        std::str::from_utf8(text).ok().and_then(|text| PhoneNumber::configured(text).ok()),
    ];
    let mut dialled = 0;
    for number in numbers.into_iter().flatten() {
        let Ok(normal) = normalise(&number, &plan.site) else { continue };
        let Ok(kept) = normal.to_phone_number() else { continue };
        assert_eq!(normalise(&kept, &plan.site).as_ref(), Ok(&normal), "{number}");
        if let Ok(command) = plan.render(prefix, &kept) {
            assert!(is_dial_command(command.command()), "{text:?} became {command:?}");
            dialled += 1;
        }
    }
    dialled
}

#[test]
fn random_strings_never_leave_the_grammar() {
    /// Mostly what a number is made of, with everything an attacker would add.
    const ALPHABET: &[u8] =
        b"0123456789012345678901234567890123456789+ -.()/*#,wW@!pPtT;\r\nASHDL=\0\x80";
    let seed = 0x2545_f491_4f6c_dd1d_u64;
    println!("seed {seed:#x}");
    let lines = lines();
    let mut random = seed;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap()
    };
    let (mut text, mut dialled) = (Vec::new(), 0_u32);
    for line in lines.iter().cycle().take(200_000) {
        text.clear();
        for _ in 0..next() % 14 {
            text.push(ALPHABET[next() % ALPHABET.len()]);
        }
        dialled += stays_in_the_grammar(line, &text);
    }
    println!("{dialled} dial commands");
    assert!(dialled > 20_000, "only {dialled} strings were dialled");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_whatever_leaves_the_grammar(
        outside in r"[0-9,;Ww\r*#]{0,6}",
        carrier in r"[0-9;+]{0,6}",
        national in proptest::option::of(r"[0-9;]{0,3}"),
        international in proptest::option::of(r"[0-9,;Ww\r]{0,6}|[+]{1,2}"),
        answer_pause in proptest::option::of(r"[,W@;H\r]{0,5}"),
        suffix in r"[0-9,;@!\rH]{0,4}",
        area in r"[0-9]{0,4}",
        number in r"[+]?[0-9 ,*#()-]{1,30}",
        form in prop_oneof![Just(Form::National), Just(Form::International), Just(Form::Local)],
    ) {
        let site = Arc::new(site("DE", &area, &[3]));
        let plan = DialPlan { site, outside, carrier, form, national, international, answer_pause, suffix };
        if let Ok(number) = PhoneNumber::configured(&number)
            && let Ok(command) = plan.render(&DialPrefix::parse("ATDT0,").unwrap(), &number)
        {
            prop_assert!(is_dial_command(command.command()), "{command:?}");
        }
    }
}
