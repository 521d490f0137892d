//! The board's keys, and the screen on a buffer of several sizes.

use std::time::{Duration, Instant};

use calls::status::{Changes, Gone, Line, Promise, Status};
use calls::vocabulary::{CallId, Command, Entry, Event, LineId, PromiseId, Seq, SessionId, Wall};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::board::{Board, Mode, Pane, Wish};
use super::screen::draw;
use crate::control::standing::News;
use crate::out::Palette;

fn line(id: u32, name: &str, state: &str) -> Line {
    Line {
        id: LineId(id),
        line: name.to_owned(),
        number: Some(format!("55501{id:02}")),
        state: state.to_owned(),
        for_ms: 61_000,
        detail: (state == "faulted").then(|| "no answer from the modem\x1b[2J".to_owned()),
        carrier: None,
        call: (state == "online").then_some(CallId(u64::from(id))),
        hold: None,
    }
}

fn promise(id: u64) -> Promise {
    Promise {
        promise: PromiseId(id),
        session: SessionId(id),
        user: "alice".to_owned(),
        numbers: vec!["5550199".to_owned()],
        lines: vec!["main".to_owned()],
        rule: "user alice".to_owned(),
        state: "waiting".to_owned(),
        line: None,
        failed: 0,
        tries: 3,
        due_ms: Some(20_000),
        expires_ms: 600_000,
    }
}

/// A board of so many lines and promises, and the time at which the server was asked.
fn board(lines: Vec<Line>, promises: Vec<Promise>) -> (Board, Instant) {
    let now = Instant::now();
    let mut board = Board::new(now);
    let status = Status {
        at: Wall { unix_ms: 1_000_000_000_123, offset_s: 0 },
        stopping: false,
        store_fault: None,
        lines,
        calls: Vec::new(),
        sessions: Vec::new(),
        promises,
        ..Status::default()
    };
    board.stands(Box::new(status), now);
    (board, now)
}

fn lines(count: u32) -> Vec<Line> {
    (0..count).map(|id| line(id, &format!("line{id}"), "idle")).collect()
}

fn screen(board: &mut Board, width: u16, height: u16, now: Instant) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, board, Palette::none(), now)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = (0..height).map(|y| {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect();
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn press(board: &mut Board, code: KeyCode) -> Wish {
    board.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn eighty_columns_show_lines_the_chosen_ones_way_promises_events_and_keys() {
    let states =
        vec![line(0, "main", "idle"), line(1, "second", "online"), line(2, "third", "faulted")];
    let (mut board, now) = board(states, vec![promise(3)]);
    let at = Wall { unix_ms: 1_000_000_000_123, offset_s: 0 };
    let line = "main".to_owned();
    board.happened(&Entry { seq: Seq(1), at, event: Event::LineReady { line } });
    press(&mut board, KeyCode::Down);
    let text = screen(&mut board, 80, 24, now + Duration::from_secs(5));
    for wanted in [
        "dialback  3 lines: 1 faulted, 1 idle, 1 online  1 promise",
        "LINE   STATE        FOR",
        "main   idle         1m06s     5550100",
        "second: idle > ringing > answering > ONLINE > hanging up",
        "third  faulted      1m06s     5550102         no answer from the modem?[2J",
        "p3      alice        waiting  15.0s    5550199         0/3    9m55s    main",
        "01:46:40.123  main      -      is ready: the modem answers",
        "? help  q quit",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not on\n{text}");
    }
    assert!(!text.contains('\x1b'), "{text}");
    assert_eq!(text.lines().count(), 24);
}

#[test]
fn the_chosen_line_is_always_on_the_screen_whatever_its_size() {
    for (width, height) in [(80, 24), (200, 50), (40, 10), (20, 6), (1, 1)] {
        let (mut board, now) = board(lines(1000), (0..40).map(promise).collect());
        for (key, wanted) in
            [(KeyCode::Home, "line0 "), (KeyCode::End, "line999 "), (KeyCode::PageUp, "line9")]
        {
            press(&mut board, key);
            let text = screen(&mut board, width, height, now);
            assert!(width < 40 || text.contains(wanted), "{width}x{height} {key:?}:\n{text}");
        }
    }
}

#[test]
fn orders_that_end_something_are_asked_back_and_the_others_are_not() {
    let who = String::new;
    let main = || "line0".to_owned();
    let (mut board, _) = board(lines(2), vec![promise(3)]);
    for (key, asked, wanted) in [
        ('h', true, Command::HangUp { who: who(), line: main() }),
        ('r', true, Command::Reset { who: who(), line: main() }),
        ('c', true, Command::Withdraw { who: who(), promise: PromiseId(3) }),
        ('b', false, Command::BusyOut { who: who(), line: main() }),
        ('n', false, Command::Hurry { who: who(), promise: PromiseId(3) }),
    ] {
        let wish = press(&mut board, KeyCode::Char(key));
        if !asked {
            assert_eq!(wish, Wish::Order(wanted), "{key}");
            continue;
        }
        assert_eq!(wish, Wish::None, "{key}");
        assert_eq!(board.mode, Mode::Asking(wanted.clone()), "{key}");
        assert_eq!(
            press(&mut board, KeyCode::Char('x')),
            Wish::None,
            "{key}: any other key is a no"
        );
        press(&mut board, KeyCode::Char(key));
        assert_eq!(press(&mut board, KeyCode::Char('y')), Wish::Order(wanted), "{key}");
    }
    assert_eq!(press(&mut board, KeyCode::Char('q')), Wish::Quit);
}

#[test]
fn a_line_out_of_service_is_put_back_by_the_same_key() {
    let (mut board, _) = board(vec![line(0, "main", "busied-out")], Vec::new());
    let wanted = Command::Restore { who: String::new(), line: "main".to_owned() };
    assert_eq!(press(&mut board, KeyCode::Char('b')), Wish::Order(wanted));
    assert_eq!(press(&mut board, KeyCode::Char('n')), Wish::None);
    assert_eq!(board.answer, Some(("nobody is owed a callback".to_owned(), true)));
}

#[test]
fn the_chosen_line_stays_chosen_when_others_come_and_go() {
    let (mut board, now) = board(lines(5), vec![promise(1), promise(2)]);
    press(&mut board, KeyCode::Down);
    press(&mut board, KeyCode::Down);
    press(&mut board, KeyCode::Tab);
    assert_eq!(board.pane, Pane::Promises);
    let mut status = board.status.clone().unwrap();
    status.lines.remove(0);
    status.promises.clear();
    board.stands(status, now);
    assert_eq!(board.chosen_line().unwrap().line, "line2");
    assert_eq!(board.pane, Pane::Lines, "there is no promise to choose any more");
}

#[test]
fn what_the_server_pushes_is_on_the_screen_and_the_other_lines_clocks_run_on() {
    let (mut board, now) = board(lines(3), vec![promise(1)]);
    press(&mut board, KeyCode::Down);
    let changes = Changes {
        up_ms: 5_000,
        lines: vec![Line { for_ms: 0, ..line(1, "line1", "hanging-up") }],
        gone: Gone { promises: vec![PromiseId(1)], ..Gone::default() },
        ..Changes::default()
    };
    board.news(News::Changes(Box::new(changes)), now);
    let text = screen(&mut board, 80, 24, now);
    for wanted in [
        "3 lines: 1 hanging-up, 2 idle",
        "line0 idle         1m06s",
        "line1 hanging-up   0.0s",
        "line1: idle > ringing > answering > online > HANGING UP",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not on\n{text}");
    }
    assert!(board.status.as_ref().unwrap().promises.is_empty());
    let later = screen(&mut board, 80, 24, now + Duration::from_secs(7));
    assert!(later.contains("3 lines: 1 hanging-up, 2 idle  0 promises  01-01 00:00:07"), "{later}");
}
