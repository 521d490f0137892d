//! A port's task on a real pty: what is done in which order, and what may overtake.

use std::time::Duration;

use calls::vocabulary::PortInput;
use sys::async_fd::{AsyncPty, AsyncTty};
use sys::pty::Pty;
use sys::tty::Tty;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    port: Port,
    inputs: mpsc::Receiver<Input>,
    modem: AsyncPty,
    /// Keeps the pty from ending while the port is closed.
    _slave: Tty,
    path: PathBuf,
}

fn bench() -> Bench {
    let (master, slave) = Pty::open().unwrap().into_halves();
    let path = slave.path().to_owned();
    let (tell, inputs) = mpsc::channel(16);
    let lock_dir = std::env::temp_dir();
    let around = Surroundings {
        inputs: tell,
        lock_dir: lock_dir.clone(),
        locks: LockWatches::start(lock_dir),
        launcher: None,
        sim: None,
    };
    let spec = PortSpec::Tty(path.clone());
    let settings = Settings { spec, speed: 115_200, hardware_flow: false };
    let port = Port::start(LineId(7), settings, &around);
    let modem = AsyncPty::new(master).unwrap();
    Bench { port, inputs, modem, _slave: slave, path }
}

impl Bench {
    async fn told(&mut self) -> PortInput {
        match tokio::time::timeout(PATIENCE, self.inputs.recv()).await {
            Ok(Some(Input::Port(LineId(7), input))) => input,
            other => panic!("{other:?}"),
        }
    }

    async fn open(&mut self) {
        self.port.tell(PortOutput::Open);
        assert_eq!(self.told().await, PortInput::Opened { signals: None });
    }

    async fn modem_hears(&self) -> Vec<u8> {
        let mut room = [0; 8192];
        let read = tokio::time::timeout(PATIENCE, self.modem.read_some(&mut room)).await;
        let count = read.expect("something in time").unwrap();
        room[..count].to_vec()
    }
}

#[tokio::test]
async fn orders_are_carried_out_in_their_order() {
    let mut bench = bench();
    bench.port.tell(PortOutput::Open);
    // Given before it is open, they wait for it.
    bench.port.tell(PortOutput::Send(b"ATZ\r".to_vec()));
    bench.port.tell(PortOutput::Drain);
    assert_eq!(bench.told().await, PortInput::Opened { signals: None });
    assert_eq!(bench.told().await, PortInput::Drained);
    assert_eq!(bench.modem_hears().await, b"ATZ\r");
    bench.modem.write_some(b"\r\nOK\r\n").await.unwrap();
    assert_eq!(bench.told().await, PortInput::Bytes(b"\r\nOK\r\n".to_vec()));
}

#[tokio::test]
async fn a_modem_that_takes_no_bytes_can_still_be_closed_and_opened() {
    let mut bench = bench();
    bench.open().await;
    // More than a pty holds: the rest is stuck.
    bench.port.tell(PortOutput::Send(vec![b'x'; 200_000]));
    bench.port.tell(PortOutput::Drain);
    assert!(!bench.port.to_modem.is_low());
    bench.port.tell(PortOutput::Close);
    bench.port.tell(PortOutput::Open);
    assert_eq!(bench.told().await, PortInput::Opened { signals: None }, "and never Drained");
    assert!(bench.port.to_modem.is_low(), "nothing waits any more");
}

#[tokio::test]
async fn a_flush_forgets_what_is_stuck_and_the_next_bytes_go() {
    let mut bench = bench();
    bench.open().await;
    bench.port.tell(PortOutput::Send(vec![b'x'; 200_000]));
    bench.port.tell(PortOutput::Flush);
    bench.port.tell(PortOutput::Send(b"ATH\r".to_vec()));
    let mut heard = Vec::new();
    while !heard.ends_with(b"ATH\r") {
        heard.extend(bench.modem_hears().await);
    }
    assert!(heard.len() < 100_000, "{} bytes", heard.len());
}

#[tokio::test]
async fn a_port_is_not_read_while_much_waits_for_the_program() {
    let mut bench = bench();
    bench.open().await;
    bench.port.to_program.add(1_000_000);
    // The task learns of it when it wakes next.
    bench.port.tell(PortOutput::Speed(9600));
    bench.port.tell(PortOutput::Drain);
    assert_eq!(bench.told().await, PortInput::Drained);
    bench.modem.write_some(b"more").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(50), bench.inputs.recv()).await;
    assert!(early.is_err(), "{early:?}");
    bench.port.to_program.sub(1_000_000);
    assert_eq!(bench.told().await, PortInput::Bytes(b"more".to_vec()));
}

#[tokio::test]
async fn a_port_without_control_lines_keeps_its_terminal() {
    let mut bench = bench();
    bench.open().await;
    let refused = bench.port.hand_over().await.unwrap().unwrap_err();
    assert!(refused.contains("no control lines"), "{refused}");
    bench.modem.write_some(b"still read").await.unwrap();
    assert_eq!(bench.told().await, PortInput::Bytes(b"still read".to_vec()));
}

#[tokio::test]
async fn a_terminal_handed_over_is_the_programs_alone_until_it_is_taken_back() {
    let mut bench = bench();
    let (orders, told) = mpsc::unbounded_channel();
    let (tell, inputs) = mpsc::channel(16);
    let around = Surroundings {
        inputs: tell,
        lock_dir: std::env::temp_dir(),
        locks: LockWatches::start(std::env::temp_dir()),
        launcher: None,
        sim: None,
    };
    let settings = bench.port.settings.clone();
    let mut wire = tty::TtyWire::open(&settings).unwrap();
    wire.pretend_control_lines();
    let gauges = (Gauge::default(), Gauge::default());
    let task = task::Task::new(LineId(7), settings.clone(), None, around, told, gauges.clone());
    let task = tokio::spawn(task.with(Wire::Tty(Box::new(wire))).run());
    bench.inputs = inputs;
    bench.port = Port { settings, orders, task, to_modem: gauges.0, to_program: gauges.1 };

    bench.port.tell(PortOutput::Send(b"before".to_vec()));
    let handed = bench.port.hand_over().await.unwrap().unwrap();
    assert_eq!(handed.path, bench.path);
    assert_eq!(bench.modem_hears().await, b"before", "what was ordered before is done before");
    let program = AsyncTty::new(Tty::open_same(&handed.path, handed.device).unwrap()).unwrap();
    program.get().set_login_mode(true).unwrap();
    bench.modem.write_some(b"for the program\r").await.unwrap();
    let mut room = [0; 64];
    let count = tokio::time::timeout(PATIENCE, program.read_some(&mut room)).await.unwrap();
    assert_eq!(&room[..count.unwrap()], b"for the program\n");
    assert!(bench.inputs.try_recv().is_err(), "the task has read nothing");
    drop(program);

    bench.port.taker_back()();
    bench.port.tell(PortOutput::Drain);
    assert_eq!(bench.told().await, PortInput::Drained, "it is in order again");
    bench.modem.write_some(b"\r\nNO CARRIER\r\n").await.unwrap();
    assert_eq!(bench.told().await, PortInput::Bytes(b"\r\nNO CARRIER\r\n".to_vec()));
}
